// The name that older drivers include.
#include "wdm.h"
