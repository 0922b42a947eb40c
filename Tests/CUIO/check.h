// A test harness of one page: tests register themselves, checks record failures and go on.
#ifndef CHECK_H
#define CHECK_H

#include <stdbool.h>
#include <stdint.h>

#define TEST(name)                                                                                       \
  static void name(void);                                                                                \
  __attribute__((constructor)) static void register_##name(void) { check_register(__FILE__, #name, name); } \
  static void name(void)

/// Records a failure unless the condition holds.
#define CHECK(condition) check_that((condition), __FILE__, __LINE__, #condition)
/// Records a failure unless two integers are equal, and prints both.
#define CHECK_EQ(found, wanted) \
  check_equal((int64_t)(found), (int64_t)(wanted), __FILE__, __LINE__, #found " == " #wanted)
/// Waits for another thread to bring the condition about; a failure after 10 seconds.
#define CHECK_SOON(condition)                                             \
  do {                                                                    \
    uint64_t deadline = check_deadline();                                 \
    while (!(condition) && check_before(deadline)) continue;              \
    CHECK(condition);                                                     \
  } while (0)

void check_register(const char *file, const char *name, void (*body)(void));
bool check_that(bool holds, const char *file, int line, const char *text);
bool check_equal(int64_t found, int64_t wanted, const char *file, int line, const char *text);
uint64_t check_deadline(void);
/// Gives the processor away once; whether the deadline is still ahead.
bool check_before(uint64_t deadline);

/// Runs `body` in a child process, for what a process cannot take back; whether all its checks held.
bool check_in_child(void (*body)(void));

/// A file without a name, of `size` zero bytes.
int check_file(uint64_t size);

/// Whether the program runs under qemu-user, which emulates the kernel's interface.
bool check_is_emulated(void);

#endif
