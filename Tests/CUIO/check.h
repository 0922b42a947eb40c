// Shared by the shim's tests, beside the reporter: child processes and nameless files.
#ifndef CHECK_H
#define CHECK_H

#include "../CSupport/check.h"

/// Runs `body` in a child process, for changes that a process cannot undo. Whether all its checks held.
bool check_in_child(void (*body)(void));

/// A file without a name, of `size` zero bytes.
int check_file(uint64_t size);

/// Whether the program runs under qemu-user, which emulates the kernel's interface.
bool check_is_emulated(void);

#endif
