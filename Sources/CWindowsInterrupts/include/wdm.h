// Windows' driver model, as far as interrupt code uses it. docs/windows.md says for each identifier what it does here.
#ifndef ISW_WDM_H
#define ISW_WDM_H

#include "ntdef.h"

#include "isw/debug.h"
#include "isw/device.h"
#include "isw/dispatcher.h"
#include "isw/dpc.h"
#include "isw/driver.h"
#include "isw/event.h"
#include "isw/interlocked.h"
#include "isw/interlocked_list.h"
#include "isw/interrupt.h"
#include "isw/irql.h"
#include "isw/list.h"
#include "isw/mapping.h"
#include "isw/memory.h"
#include "isw/mutex.h"
#include "isw/register.h"
#include "isw/remove_lock.h"
#include "isw/resource.h"
#include "isw/semaphore.h"
#include "isw/slist.h"
#include "isw/system_time.h"
#include "isw/timer.h"
#include "isw/work_item.h"

#include "isw/absent.h"

#endif
