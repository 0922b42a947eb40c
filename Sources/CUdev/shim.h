// Floor 0: libudev. UdevMonitor of DeviceInventory calls it, on one thread at a time, without a lock. No code here.
#include <libudev.h>
