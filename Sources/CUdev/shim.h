// Floor 0: libudev as pkg-config finds it, for DeviceInventory. No code.
#include <libudev.h>
