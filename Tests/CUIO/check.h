// What the shim's tests have beside the reporter: child processes and nameless files.
#ifndef CHECK_H
#define CHECK_H

#include "../CSupport/check.h"

/// Runs `body` in a child process, for what a process cannot take back; whether all its checks held.
bool check_in_child(void (*body)(void));

/// A file without a name, of `size` zero bytes.
int check_file(uint64_t size);

/// Whether the program runs under qemu-user, which emulates the kernel's interface.
bool check_is_emulated(void);

#endif
