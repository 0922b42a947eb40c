// Floor 0: a line whose descriptor yields records, one for each edge of a GPIO line, instead of a count. The serving
// thread reads it through cuio_line_read(), before it takes the interrupt lock; routines of that dispatch then see the
// edges, on the same thread with the lock held. GPIOLine makes, skips and forgets, without that lock. G1 to G15 are the
// facts of docs/gpio.md.
#ifndef CUIO_EDGE_LINE_H
#define CUIO_EDGE_LINE_H

#include "cuio_line.h"

enum { CUIO_EDGE_RISING = 1, CUIO_EDGE_FALLING = 2 };

/// An edge as the kernel writes it (G2): struct gpio_v2_line_event of linux/gpio.h.
typedef struct cuio_edge {
  /// Nanoseconds of the clock that the line was requested with.
  uint64_t timestamp;
  /// CUIO_EDGE_…
  uint32_t id;
  uint32_t offset;
  /// Which event of the request it is, and of the line: the same, as a request has one line.
  uint32_t seqno;
  uint32_t line_seqno;
  uint32_t padding[6];
} cuio_edge;

/// What a dispatch leaves in the observers' record: the mark, the timestamp, id and offset, seqno and line_seqno.
enum { CUIO_EDGE_FACTS = 4 };
#define CUIO_EDGE_MARK 0x6567646520656e6fu /* "one edge" */

typedef struct cuio_edge_line {
  /// First, so that the line's address is this one's. `total` is the line_seqno of the last event that was read.
  cuio_line line;
  /// Room for what one read takes. It lasts as long as the line.
  cuio_edge *LINUX_NONNULL edges;
  uint32_t capacity;
  /// Edges that the last read took.
  uint32_t count;
  /// The thread that read them; 0 while they are for none.
  uint32_t reader;
  /// Edges that the kernel counted and dropped, because its buffer was full (G5). One writer, the serving thread.
  uint64_t dropped;
  /// Of the last edge, or zeros after a read that took none.
  uint64_t facts[CUIO_EDGE_FACTS];
  /// The timestamp of the oldest edge of the last read, or 0 after a read that took none.
  uint64_t cause;
} cuio_edge_line;

/// The line as the dispatcher works on it, and what each dispatch records of it.
static inline cuio_line *LINUX_NONNULL cuio_edge_line_raw(cuio_edge_line *LINUX_NONNULL edges) { return &edges->line; }
static inline const uint64_t *LINUX_NONNULL cuio_edge_line_facts(const cuio_edge_line *LINUX_NONNULL edges) {
  return edges->facts;
}

static inline const uint64_t *LINUX_NONNULL cuio_edge_line_cause(const cuio_edge_line *LINUX_NONNULL edges) {
  return &edges->cause;
}

/// cuio_line_read() for CUIO_COUNT_EDGES and CUIO_COUNT_KICKED_EDGES. The count is how far line_seqno has come since
/// the last read, modulo 2^32: it includes the edges that the kernel dropped.
LINUX_HOT int cuio_edge_line_read(cuio_line *LINUX_NONNULL line, uint64_t *LINUX_NONNULL delta);

/// How many edges of the last read are for the calling thread: none, unless it is the thread that read them and is
/// inside a routine.
uint32_t cuio_edge_line_available(const cuio_edge_line *LINUX_NONNULL edges);

/// Lets no thread look at them any more. While no thread reads the line.
void cuio_edge_line_forget(cuio_edge_line *LINUX_NONNULL edges);

/// Puts the edges that wait aside: the next read counts from there. While no thread reads the line. 0 or -errno.
int cuio_edge_line_skip(cuio_edge_line *LINUX_NONNULL edges);

#endif
