// Windows interfaces, floor 5: wdm.h under the name that older drivers include. No code.
#include "wdm.h"
