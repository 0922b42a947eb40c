// PortCls, as far as interrupts go: IInterruptSync, IResourceList, service groups. Rules P1 to P40 and L1 to L8 of
// docs/semantics.md; docs/windows.md says for each identifier what it does here.
#ifndef ISW_PORTCLS_H
#define ISW_PORTCLS_H

#include "wdm.h"

#include "isw/unknown.h"

#include "isw/interrupt_sync.h"
#include "isw/resource_list.h"
#include "isw/service_group.h"

#endif
