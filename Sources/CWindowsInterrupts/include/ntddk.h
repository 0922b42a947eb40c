// Windows interfaces, floor 5: wdm.h under the name that older drivers include. One include: no thread, no lock.
#include "wdm.h"
