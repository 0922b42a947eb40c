// C interface, floor 5: sync objects. An object has an interrupt line, a lock and a list of service routines. Programs
// make, connect and disconnect it at PASSIVE level without a lock, and make synchronized calls on any thread. Routines
// run with the interrupt lock held: service routines on the dispatcher's thread, synchronized routines on their
// caller's.
#ifndef INTERRUPTSYNC_OBJECT_H
#define INTERRUPTSYNC_OBJECT_H

#include "base.h"

INTERRUPTSYNC_BEGIN

/// How an interrupt walks the list. Fixed for the life of the object (P4).
enum {
  /// From the head to the tail, up to the first routine that claims (P15). For level lines with independent sources.
  INTERRUPTSYNC_MODE_NORMAL = 1,
  /// Every routine once (P16).
  INTERRUPTSYNC_MODE_ALL = 2,
  /// Whole passes, until a pass has no claim (P17). For several sources on an edge-like line.
  INTERRUPTSYNC_MODE_REPEAT = 3,
};

/// The result of a service routine is an NTSTATUS: 0 claims the interrupt, a negative value does not (N5).
enum {
  INTERRUPTSYNC_CLAIMED = 0,
  INTERRUPTSYNC_NOT_MINE = -0x3fffffff,
};

/// A service routine or a synchronized routine (P6). It gets the object's handle, which it may use and does not
/// release, and the context of its registration or call. It runs at DEVICE level under the object's lock: it must not
/// wait.
typedef int32_t (*interruptsync_routine)(interruptsync_object *object, void *context);

/// What a dispatcher's thread does when it has read the count and no interrupt is there. Each way ends in sleep.
enum {
  /// ADAPTIVE where that is safe, else BLOCK. It is safe if the thread has more than one processor and, where
  /// interrupts reach it through a kernel thread, a priority below that thread's (facts 53, 54).
  INTERRUPTSYNC_WAIT_AUTOMATIC = 0,
  /// Sleeps at once.
  INTERRUPTSYNC_WAIT_BLOCK = 1,
  /// Keeps reading for up to `wait_time` nanoseconds (at most 1 ms). 0 means twice the cost of a wake-up, measured
  /// once, between 20 and 50 µs. Halves the time as long as it finds nothing.
  INTERRUPTSYNC_WAIT_ADAPTIVE = 2,
  /// Keeps reading until no interrupt has come for `wait_time` nanoseconds (at most 100 ms). 0 means 1 ms.
  INTERRUPTSYNC_WAIT_POLL = 3,
};

/// Scheduling of a thread of the library. The library reports an attribute that the system refuses, and goes on without
/// it.
typedef struct interruptsync_thread_attributes {
  size_t size;
  /// SCHED_OTHER (0), SCHED_FIFO or SCHED_RR of sched.h, and the priority of the latter two, 1 to 99. Since Linux 6.10,
  /// stay below 50, or raise the thread irq/N-… as well (fact 53).
  int32_t policy;
  int32_t priority;
  /// Bit n of the array is processor n; all zero means all processors.
  uint64_t processors[16];
  /// Bytes; 0 for 256 KiB.
  uint64_t stack_size;
  /// The kernel keeps at most 15 bytes; NULL takes the owner's name.
  const char *name;
  // The fields below apply to dispatchers and groups, and have no effect on other threads.
  /// INTERRUPTSYNC_WAIT_….
  uint32_t waiting;
  /// The longest time that a processor may take to leave an idle state while connected, in microseconds
  /// (/dev/cpu_dma_latency); 0 keeps the processors awake. Only with `limits_latency`.
  int32_t latency_limit;
  uint64_t wait_time;
  /// Processors that serve the line's interrupt (/proc/irq/N/smp_affinity_list); all zero leaves the choice to the
  /// system. The setting survives the connection.
  uint64_t interrupt_processors[16];
  bool limits_latency;
  /// Also calls interruptsync_lock_memory().
  bool locks_memory;
  uint8_t reserved[6];
} interruptsync_thread_attributes;

/// Kinds of reports (see interruptsync_report).
enum {
  /// The line ended: unbound, removed, or closed by its writer. Reported once; interrupts have stopped.
  INTERRUPTSYNC_REPORT_REMOVED = 1,
  /// Reading the line failed permanently. Reported once; interrupts have stopped.
  INTERRUPTSYNC_REPORT_FAILED = 2,
  /// The line keeps firing and no routine claims; it is masked now (N20). `count` is the number of unclaimed dispatches
  /// in a row.
  INTERRUPTSYNC_REPORT_STORM_BEGAN = 3,
  INTERRUPTSYNC_REPORT_STORM_ENDED = 4,
  /// The repeat limit ended a dispatch after `count` passes; the interrupt counts as handled (N20).
  INTERRUPTSYNC_REPORT_REPEAT_LIMIT = 5,
  /// Re-arming the line failed; the library tries again, with growing pauses.
  INTERRUPTSYNC_REPORT_REARM_FAILED = 6,
  INTERRUPTSYNC_REPORT_REARM_RECOVERED = 7,
  /// The system refused an attribute of the thread or of its line; the thread runs without it.
  INTERRUPTSYNC_REPORT_ATTRIBUTE_REFUSED = 8,
  /// The thread or the interrupt has lost the processors of its attributes, and cannot get them back for now. Reported
  /// once; interruptsync_restore_affinities() tries again.
  INTERRUPTSYNC_REPORT_AFFINITY_LOST = 9,
  /// It had lost them and has them again; `count` is how often since the last such report.
  INTERRUPTSYNC_REPORT_AFFINITY_RESTORED = 10,
  /// To the handler of a VFIO device: the host wanted the device back and got it. Once.
  INTERRUPTSYNC_REPORT_DEVICE_RETURNED = 11,
  /// The same: the device has reported an error over PCI Express. It stays open; after a fatal error, for which the kernel
  /// resets its link, open it again (V38).
  INTERRUPTSYNC_REPORT_DEVICE_FAILED = 12,
  /// Routines claim, and the device interrupts all the same: none silences it. The line is masked now (N20). `count` is
  /// dispatches a second. INTERRUPTSYNC_REPORT_STORM_ENDED follows.
  INTERRUPTSYNC_REPORT_CLAIMED_STORM_BEGAN = 13,
  /// The line takes a large share of a processor and does not say whether routines silence its device (N20). It stays armed.
  /// `count` is dispatches a second. Once a connection.
  INTERRUPTSYNC_REPORT_COSTLY = 14,
};

/// An event of a connection or a device that its owner should know. Later versions may add kinds.
typedef struct interruptsync_report {
  size_t size;
  uint32_t kind;
  /// -errno, or 0.
  int32_t error;
  uint64_t count;
  /// The whole sentence; valid until the handler returns.
  const char *text;
} interruptsync_report;

/// Called on the dispatcher's thread at PASSIVE level, with no lock held; REPORT_ATTRIBUTE_REFUSED comes inside
/// connect. The handler may disconnect. `object` is a handle as in routines.
typedef void (*interruptsync_report_handler)(interruptsync_object *object, const interruptsync_report *report,
                                             void *context);

/// For `storm_limit`: do not count. For `repeat_limit`: no limit.
#define INTERRUPTSYNC_NEVER UINT32_MAX
#define INTERRUPTSYNC_UNLIMITED UINT64_MAX
/// For `storm_share`: do not judge the cost. For a device that keeps its line asserted and is worth a processor.
#define INTERRUPTSYNC_ANY_SHARE UINT8_MAX

/// Choices that you make once, at the creation of an object.
typedef struct interruptsync_object_options {
  size_t size;
  /// Appears in messages and names the dispatcher's thread; NULL takes the line's name.
  const char *name;
  /// NULL makes a lock. Give several objects the same lock, and their routines exclude each other (K7).
  interruptsync_lock *lock;
  interruptsync_report_handler report;
  void *report_context;
  /// Unclaimed dispatches in a row, within a second, that make a storm (N20); 0 means 1,000.
  uint32_t storm_limit;
  /// First pause of a braked line in milliseconds, and the longest; 0 means 10 and 1,000.
  uint32_t storm_first_pause;
  uint32_t storm_longest_pause;
  /// Leaves a braked line masked until interruptsync_object_resume() or a reconnect.
  bool storm_stays_masked;
  /// Any non-negative status claims, not 0 alone (N5).
  bool accepts_any_success;
  /// Connects even without a registered routine (N9).
  bool connects_without_routines;
  /// Hundredths of a processor from which a line that is masked between interrupts is too expensive, claimed or not, at
  /// 250 dispatches a second or more (N20). A PCI function is braked if it is never silent while its routines run. Of
  /// other lines the cost is reported, and braked only if you set this. 0 means 30.
  uint8_t storm_share;
  /// Passes that one dispatch of mode repeat may take (N20); 0 means 1,000.
  uint64_t repeat_limit;
  /// Attributes of the dispatcher's thread; NULL means the defaults.
  const interruptsync_thread_attributes *dispatcher;
  /// A thread that dispatches for several objects (group.h); NULL gives each connection a thread of its own. With a
  /// group the library ignores `dispatcher`.
  interruptsync_group *group;
} interruptsync_object_options;

/// Makes an object over `line`, not connected yet. `options` NULL means the defaults.
/// Errors: -EINVAL (no such mode, not a live handle, wrong `size`), -E2BIG (the struct is of a later version and sets a
/// field that this library does not have).
int interruptsync_object_create(interruptsync_line *line, uint32_t mode, const interruptsync_object_options *options,
                                interruptsync_object **object);

/// Registers the routine at the head of the list instead of the tail (P10, P11).
#define INTERRUPTSYNC_FIRST 1u

/// Adds a service routine. It may be called at once, and the next interrupt is certain to see it (P10, P13, N7). The
/// list may hold the same routine more than once (P14). Each call gets `context`, which must outlive the entry. Pass
/// NULL as `registration` if you will never cancel; releasing the registration does not cancel. Level: PASSIVE.
/// Errors: -EDEADLK (inside a routine of this lock), -EPERM (level), -EINVAL (no routine, unknown flag, handle).
int interruptsync_object_register(interruptsync_object *object, interruptsync_routine routine, void *context,
                                  uint32_t flags, interruptsync_registration **registration);

/// Removes the routine from the list. When this returns, the routine does not run, unless the caller is inside it, and
/// will not be called again (N8). A second cancel does nothing.
/// Errors: -EINVAL.
int interruptsync_registration_cancel(interruptsync_registration *registration);

/// Connects to the object's line, or to another line from now on (P21). Service routines may run before this returns
/// (P22). The list, the lock and the statistics stay. Level: PASSIVE.
/// Errors: -EISCONN (connected already, and left as it is, N9), -ENODATA (no service routine, N9), -EBUSY (another
/// object has the line, here or in another process, which the sentence names), -ENODEV (the line has ended), -EIO (the line failed), -EDEADLK, -EPERM (level), -EMFILE,
/// -EAGAIN or -ENOMEM (no descriptor or thread), -EOWNERDEAD (a thread ended inside a routine: interrupt.h), -ECHILD
/// (base.h), -EINVAL; and from the re-arm -EACCES, -EOPNOTSUPP.
int interruptsync_object_connect(interruptsync_object *object);
int interruptsync_object_connect_to(interruptsync_object *object, interruptsync_line *line);

/// Masks the line and waits until no routine runs; none will start (P23, N11). Does nothing if the object is not
/// connected (P26). The list stays (P24). Level: PASSIVE. An ordinary thread also waits for a report handler of the object
/// that is running. A report handler, of this object or of another, may call it and does not wait for one.
/// Errors: -EDEADLK (inside a routine of this lock), -EPERM (level), -EINVAL.
int interruptsync_object_disconnect(interruptsync_object *object);

/// Results of interruptsync_object_get_state().
enum {
  INTERRUPTSYNC_DISCONNECTED = 0,
  INTERRUPTSYNC_CONNECTED = 1,
  /// Connected, and masked by the storm brake.
  INTERRUPTSYNC_STORMING = 2,
  /// Still connected, but the line has ended. A disconnect, or a connect to another line, clears this state.
  INTERRUPTSYNC_ENDED = 3,
};

/// Errors: -EINVAL.
int interruptsync_object_get_state(interruptsync_object *object);

/// Re-arms a line that the storm brake left masked, or ends a pause early. Errors: -EINVAL.
int interruptsync_object_resume(interruptsync_object *object);

/// Runs `routine` in the calling thread, mutually exclusive with the object's service routines and with every other
/// synchronized routine (P30, P31), whether connected or not (P34, N3). `status`, which may be NULL, receives the
/// routine's own result (P33).
/// Errors, after which the routine has not run: -EDEADLK (the thread is inside a routine of this lock, N4), -EOWNERDEAD
/// (a thread ended inside a routine: interruptsync_lock_repair()), -ECHILD (base.h), -EINVAL.
int interruptsync_object_call(interruptsync_object *object, interruptsync_routine routine, void *context,
                              int32_t *status);

INTERRUPTSYNC_END

#endif
