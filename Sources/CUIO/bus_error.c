// Floor 0: which memory is a device's, and the handler of SIGBUS that looks it up. RegisterRegion adds and removes its
// mapping, on any thread, under the table's own mutex, at PASSIVE level without an interrupt lock. The handler runs on
// the thread that made the access, also in a routine: it only reads the table, takes no lock and calls nothing but the
// kernel.
#define _GNU_SOURCE
#include "cuio_bus_error.h"

#include "cuio_counter.h"
#include "cuio_register.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

enum { PLACES = 64 };

// `start` is written last and cleared first; 0 is a free place.
typedef struct {
  uintptr_t start;
  size_t length;
  uint32_t *flag;
} mapping;

typedef struct block {
  mapping places[PLACES];
  struct block *next;
} block;

// Blocks are never freed: the handler may be reading one.
static block first;
static pthread_mutex_t changing = PTHREAD_MUTEX_INITIALIZER;
static struct sigaction before;
static size_t page;

// The place of the mapping that has `address`; NULL when none has.
static mapping *find(uintptr_t address) {
  for (block *b = &first; b; b = __atomic_load_n(&b->next, __ATOMIC_ACQUIRE))
    for (size_t i = 0; i < PLACES; i++) {
      uintptr_t start = __atomic_load_n(&b->places[i].start, __ATOMIC_ACQUIRE);
      if (start != 0 && address - start < b->places[i].length) return &b->places[i];
    }
  return NULL;
}

// Filled before it takes the place of the page, so that no thread reads anything but ones there.
static bool put_ones(uintptr_t address) {
  void *ones = mmap(NULL, page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (ones == MAP_FAILED) return false;
  memset(ones, 0xff, page);
  void *place = (void *)(address & ~(page - 1));
  return mremap(ones, page, page, MREMAP_MAYMOVE | MREMAP_FIXED, place) == place;
}

// To the handler that was there; without one the process ends as it would have.
static void pass_on(int number, siginfo_t *info, void *context) {
  if (before.sa_flags & SA_SIGINFO) {
    before.sa_sigaction(number, info, context);
  } else if (before.sa_handler == SIG_IGN && info->si_code <= 0) {
    return;
  } else if (before.sa_handler != SIG_DFL && before.sa_handler != SIG_IGN) {
    before.sa_handler(number);
  } else {
    signal(number, SIG_DFL);
    // The access is made again, and fails again; what kill(2) sent would be gone.
    if (info->si_code <= 0) raise(number);
  }
}

static void bus_error(int number, siginfo_t *info, void *context) {
  int saved = errno;
  uintptr_t address = (uintptr_t)info->si_addr;
  mapping *found = info->si_code > 0 ? find(address) : NULL;
  if (found) cuio_flag_raise(found->flag);
  if (!found || !put_ones(address)) pass_on(number, info, context);
  errno = saved;
}

static void install(void) {
  page = cuio_page_size();
  struct sigaction action = {.sa_sigaction = bus_error, .sa_flags = SA_SIGINFO | SA_ONSTACK};
  sigemptyset(&action.sa_mask);
  sigaction(SIGBUS, &action, &before);
}

// A free place, with the lock held; NULL when there is no memory for more.
static mapping *free_place(void) {
  block *last = &first;
  for (block *b = &first; b; last = b, b = b->next)
    for (size_t i = 0; i < PLACES; i++)
      if (b->places[i].start == 0) return &b->places[i];
  block *more = calloc(1, sizeof *more);
  if (!more) return NULL;
  __atomic_store_n(&last->next, more, __ATOMIC_RELEASE);
  return &more->places[0];
}

int cuio_bus_error_expect(void *start, size_t length, uint32_t *flag) {
  pthread_mutex_lock(&changing);
  if (page == 0) install();
  mapping *place = free_place();
  if (place) {
    place->length = length;
    place->flag = flag;
    __atomic_store_n(&place->start, (uintptr_t)start, __ATOMIC_RELEASE);
  }
  pthread_mutex_unlock(&changing);
  return place ? 0 : -ENOMEM;
}

void cuio_bus_error_forget(void *start) {
  pthread_mutex_lock(&changing);
  mapping *place = find((uintptr_t)start);
  if (place) __atomic_store_n(&place->start, 0, __ATOMIC_RELEASE);
  pthread_mutex_unlock(&changing);
}
