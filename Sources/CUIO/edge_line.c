// Floor 0: reads the records of GPIO edges into the line's own memory, and counts by their numbers. The serving thread
// reaches it through cuio_line_read(), before it takes the interrupt lock; GPIOLine calls it where a line is opened or
// disconnected, without that lock. Routines ask with it held, through GPIOEdges. No line of another kind comes here.
#include "cuio_edge_line.h"

#include "cuio_counter.h"
#include "cuio_thread_state.h"

#include <linux/gpio.h>
#include <stddef.h>

_Static_assert(sizeof(cuio_edge) == sizeof(struct gpio_v2_line_event), "the record is the kernel's");
_Static_assert(offsetof(cuio_edge, id) == offsetof(struct gpio_v2_line_event, id), "the record is the kernel's");
_Static_assert(offsetof(cuio_edge, line_seqno) == offsetof(struct gpio_v2_line_event, line_seqno),
               "the record is the kernel's");
_Static_assert((int)CUIO_EDGE_RISING == (int)GPIO_V2_LINE_EVENT_RISING_EDGE &&
                   (int)CUIO_EDGE_FALLING == (int)GPIO_V2_LINE_EVENT_FALLING_EDGE,
               "the edge is the kernel's");

static void take(cuio_edge_line *edges, uint32_t count) {
  edges->count = count;
  edges->cause = count ? edges->edges[0].timestamp : 0;
  __atomic_store_n(&edges->reader, cuio_thread_id(), __ATOMIC_RELAXED);
  if (count == 0) {
    edges->facts[0] = 0;
    return;
  }
  const cuio_edge *last = &edges->edges[count - 1];
  edges->facts[0] = CUIO_EDGE_MARK;
  edges->facts[1] = last->timestamp;
  edges->facts[2] = (uint64_t)last->id << 32 | last->offset;
  edges->facts[3] = (uint64_t)last->seqno << 32 | last->line_seqno;
}

int cuio_edge_line_read(cuio_line *line, uint64_t *delta) {
  cuio_edge_line *edges = (cuio_edge_line *)line;
  ssize_t length = cuio_system_read(line->fd, edges->edges, edges->capacity * sizeof *edges->edges);
  if (length < 0) {
    if (errno != EAGAIN || line->format != CUIO_COUNT_KICKED_EDGES) return -errno;
    // Nothing has come, and the routines look at the device all the same.
    line->format = CUIO_COUNT_EDGES;
    take(edges, 0);
    *delta = 0;
    cuio_probe_interrupt_read(line, 0);
    return 0;
  }
  size_t count = (size_t)length / sizeof *edges->edges;
  if (count == 0 || (size_t)length % sizeof *edges->edges != 0) return cuio_read_failure(length);
  line->format = CUIO_COUNT_EDGES;
  take(edges, (uint32_t)count);
  int result = cuio_line_take_total(line, edges->edges[count - 1].line_seqno, delta);
  if (*delta > count) cuio_counter_add(&edges->dropped, *delta - count);
  return result;
}

uint32_t cuio_edge_line_available(const cuio_edge_line *edges) {
  if (__atomic_load_n(&edges->reader, __ATOMIC_RELAXED) != cuio_thread_id() || cuio_thread_level() < 3) return 0;
  return edges->count;
}

void cuio_edge_line_forget(cuio_edge_line *edges) { __atomic_store_n(&edges->reader, 0, __ATOMIC_RELAXED); }

int cuio_edge_line_skip(cuio_edge_line *edges) {
  for (;;) {
    uint64_t delta;
    int result = cuio_edge_line_read(&edges->line, &delta);
    if (result == -EINTR) continue;
    if (result != 0) {
      cuio_counter_set(&edges->dropped, 0);
      cuio_edge_line_forget(edges);
      return result == -EAGAIN ? 0 : result;
    }
  }
}
