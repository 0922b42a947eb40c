// Floor 0: the anchor of the static probes of cuio_probe.h, without which a linker's garbage collection would drop
// their base. No code, so no caller, no thread and no lock.
#include "cuio_probe.h"

#if defined(CUIO_HAS_PROBES)
// The notes refer to this section, which is how debuggers find probes in a file that was moved. To a linker that drops
// what nothing loaded refers to, notes do not count; gdb then finds no probe.
extern const char probe_base __asm__("_.stapsdt.base") __attribute__((weak, visibility("hidden")));
__attribute__((used, retain, visibility("hidden"))) const char *const cuio_probe_base = &probe_base;
#endif
