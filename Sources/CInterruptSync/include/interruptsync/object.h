// Sync objects: the list of service routines, connection, synchronized calls.
#ifndef INTERRUPTSYNC_OBJECT_H
#define INTERRUPTSYNC_OBJECT_H

#include "base.h"

INTERRUPTSYNC_BEGIN

/// How an interrupt walks the list. Fixed for the life of the object (P4).
enum {
  /// Head to tail, up to the first routine that claims (P15). For level lines with independent sources.
  INTERRUPTSYNC_MODE_NORMAL = 1,
  /// Every routine once (P16).
  INTERRUPTSYNC_MODE_ALL = 2,
  /// Whole passes until one has no claim (P17). For several sources on an edge-like line.
  INTERRUPTSYNC_MODE_REPEAT = 3,
};

/// What a service routine answers: an NTSTATUS, of which 0 claims the interrupt and anything negative does not (N5).
enum {
  INTERRUPTSYNC_CLAIMED = 0,
  INTERRUPTSYNC_NOT_MINE = -0x3fffffff,
};

/// Service routine and synchronized routine alike (P6): the object's handle, which it may use but need not release, and
/// the context given at registration or call. Runs at DEVICE level under the object's lock: it must not wait.
typedef int32_t (*interruptsync_routine)(interruptsync_object *object, void *context);

/// What a dispatcher's thread does when it has read the count and there is no interrupt. All end in sleep.
enum {
  /// ADAPTIVE where that is safe, else BLOCK: with more than one processor for the thread and, where interrupts reach it
  /// through a thread of the kernel's, at a priority below that thread's (facts 53, 54).
  INTERRUPTSYNC_WAIT_AUTOMATIC = 0,
  /// Sleeps at once.
  INTERRUPTSYNC_WAIT_BLOCK = 1,
  /// Reads on for up to `wait_time` nanoseconds (at most 1 ms); 0 for twice what a wake-up costs, measured once, within
  /// 20 and 50 µs. Halved as long as nothing is found.
  INTERRUPTSYNC_WAIT_ADAPTIVE = 2,
  /// Reads on until nothing has come for `wait_time` nanoseconds (at most 100 ms); 0 for 1 ms.
  INTERRUPTSYNC_WAIT_POLL = 3,
};

/// Scheduling of a thread of the library's. What the system refuses is reported and done without.
typedef struct interruptsync_thread_attributes {
  size_t size;
  /// SCHED_OTHER (0), SCHED_FIFO or SCHED_RR of sched.h, and the priority of the latter two, 1 to 99. Since Linux 6.10
  /// stay below 50, or raise the thread irq/N-… as well (fact 53).
  int32_t policy;
  int32_t priority;
  /// Bit n of the array is processor n; all zero means all processors.
  uint64_t processors[16];
  /// Bytes; 0 for 256 KiB.
  uint64_t stack_size;
  /// At most 15 bytes are kept; NULL takes the owner's name.
  const char *name;
  // What follows is of dispatchers and of groups; for other threads it does nothing.
  /// INTERRUPTSYNC_WAIT_….
  uint32_t waiting;
  /// The longest that processors may take to come out of idleness while connected, in microseconds
  /// (/dev/cpu_dma_latency); 0 keeps them awake. Only with `limits_latency`.
  int32_t latency_limit;
  uint64_t wait_time;
  /// Processors that serve the line's interrupt (/proc/irq/N/smp_affinity_list); all zero leaves it to the system.
  /// Stays after the connection.
  uint64_t interrupt_processors[16];
  bool limits_latency;
  /// As interruptsync_lock_memory().
  bool locks_memory;
  uint8_t reserved[6];
} interruptsync_thread_attributes;

/// What a report is about (see interruptsync_report).
enum {
  /// The line ended: unbound, removed, or its writer closed. Once; interrupts have stopped.
  INTERRUPTSYNC_REPORT_REMOVED = 1,
  /// Reading the line failed for good. Once; interrupts have stopped.
  INTERRUPTSYNC_REPORT_FAILED = 2,
  /// Nobody claims and the line keeps firing; it is masked now (N20). `count` is how many in a row.
  INTERRUPTSYNC_REPORT_STORM_BEGAN = 3,
  INTERRUPTSYNC_REPORT_STORM_ENDED = 4,
  /// A repeat was ended after `count` passes; the interrupt counts as handled (N20).
  INTERRUPTSYNC_REPORT_REPEAT_LIMIT = 5,
  /// The line could not be re-armed; it is tried again, with growing pauses.
  INTERRUPTSYNC_REPORT_REARM_FAILED = 6,
  INTERRUPTSYNC_REPORT_REARM_RECOVERED = 7,
  /// The system refused an attribute of the thread or of its line; it is done without.
  INTERRUPTSYNC_REPORT_ATTRIBUTE_REFUSED = 8,
};

/// Something somebody should know about a connection. Later versions may add kinds.
typedef struct interruptsync_report {
  size_t size;
  uint32_t kind;
  /// -errno, or 0.
  int32_t error;
  uint64_t count;
  /// The whole sentence; good until the handler returns.
  const char *text;
} interruptsync_report;

/// Called on the dispatcher's thread at PASSIVE level with no lock held; REPORT_ATTRIBUTE_REFUSED inside connect. It
/// may disconnect. `object` is a handle as in routines.
typedef void (*interruptsync_report_handler)(interruptsync_object *object, const interruptsync_report *report,
                                             void *context);

/// `storm_limit`: never brake. `repeat_limit`: no limit.
#define INTERRUPTSYNC_NEVER UINT32_MAX
#define INTERRUPTSYNC_UNLIMITED UINT64_MAX

/// Choices made once, when an object is made.
typedef struct interruptsync_object_options {
  size_t size;
  /// For messages and the dispatcher's thread; NULL takes the line's.
  const char *name;
  /// NULL makes one; give several objects the same to exclude their routines from one another (K7).
  interruptsync_lock *lock;
  interruptsync_report_handler report;
  void *report_context;
  /// Unclaimed dispatches in a row that make a storm (N20); 0 for 1,000.
  uint32_t storm_limit;
  /// Pause of a braked line in milliseconds, and what it may grow to; 0 for 10 and 1,000.
  uint32_t storm_first_pause;
  uint32_t storm_longest_pause;
  /// Leave a braked line masked until interruptsync_object_resume() or a reconnect.
  bool storm_stays_masked;
  /// Any non-negative status claims, not only 0 (N5).
  bool accepts_any_success;
  /// Connect although no routine is registered (N9).
  bool connects_without_routines;
  uint8_t reserved;
  /// Passes that one dispatch of mode repeat may take (N20); 0 for 1,000.
  uint64_t repeat_limit;
  /// The dispatcher's thread; NULL for defaults.
  const interruptsync_thread_attributes *dispatcher;
  /// The thread that dispatches, shared with other objects (group.h); NULL gives each connection one of its own. With a
  /// group `dispatcher` is not used.
  interruptsync_group *group;
} interruptsync_object_options;

/// Makes an object over `line`; nothing is connected yet. `options` NULL for defaults.
/// Errors: -EINVAL (no such mode, a handle that is not one, `size` wrong), -E2BIG (the struct is of a later version and
/// uses what this library does not have).
int interruptsync_object_create(interruptsync_line *line, uint32_t mode, const interruptsync_object_options *options,
                                interruptsync_object **object);

/// Puts the routine at the head of the list instead of the tail (P10, P11).
#define INTERRUPTSYNC_FIRST 1u

/// Adds a service routine, which may be called from now on; the next interrupt is certain to see it (P10, P13, N7). The
/// same routine may be in the list more than once (P14). `context` is handed to each call and must outlive the entry.
/// `registration` NULL when it will never be cancelled; releasing it does not cancel. Level: PASSIVE.
/// Errors: -EDEADLK (inside a routine of this lock), -EPERM (level), -EINVAL (no routine, unknown flag, handle).
int interruptsync_object_register(interruptsync_object *object, interruptsync_routine routine, void *context,
                                  uint32_t flags, interruptsync_registration **registration);

/// Takes the routine out of the list. Afterwards it is not running, unless the caller is inside it, and will not be
/// called (N8). Cancelling twice does nothing. Errors: -EINVAL.
int interruptsync_registration_cancel(interruptsync_registration *registration);

/// Connects to the object's line, or to another one from now on (P21). Service routines may run before it returns
/// (P22).
/// The list, the lock and the statistics stay. Level: PASSIVE.
/// Errors: -EISCONN (connected; left as it is, N9), -ENODATA (no service routine, N9), -EBUSY (another object has the
/// line), -ENODEV (the line has ended), -EIO (the line failed), -EDEADLK, -EPERM (level), -EMFILE, -EAGAIN or -ENOMEM
/// (no descriptor or thread), -EINVAL; and what re-arming answered: -EACCES, -EOPNOTSUPP.
int interruptsync_object_connect(interruptsync_object *object);
int interruptsync_object_connect_to(interruptsync_object *object, interruptsync_line *line);

/// Masks the line and waits until no routine runs; none will start (P23, N11). Does nothing on an object that is not
/// connected (P26). The list stays (P24). Level: PASSIVE; allowed from the object's report handler.
/// Errors: -EDEADLK (inside a routine of this lock), -EPERM (level), -EINVAL.
int interruptsync_object_disconnect(interruptsync_object *object);

/// What interruptsync_object_get_state() returns.
enum {
  INTERRUPTSYNC_DISCONNECTED = 0,
  INTERRUPTSYNC_CONNECTED = 1,
  /// Connected and masked by the storm brake.
  INTERRUPTSYNC_STORMING = 2,
  /// Still connected, but the line has gone; disconnecting or connecting to another line clears it.
  INTERRUPTSYNC_ENDED = 3,
};

/// Errors: -EINVAL.
int interruptsync_object_get_state(interruptsync_object *object);

/// Re-arms a line that a storm left masked, or ends a pause early. Errors: -EINVAL.
int interruptsync_object_resume(interruptsync_object *object);

/// Runs `routine` in the calling thread, exclusive of the object's service routines and of every other synchronized
/// routine (P30, P31): before, during and after connection alike (P34, N3). `status`, which may be NULL, receives the
/// routine's own result (P33).
/// Errors, the routine has not run: -EDEADLK (the thread is inside a routine of this lock, N4), -EOWNERDEAD (a thread
/// died inside a routine), -EINVAL.
int interruptsync_object_call(interruptsync_object *object, interruptsync_routine routine, void *context,
                              int32_t *status);

INTERRUPTSYNC_END

#endif
