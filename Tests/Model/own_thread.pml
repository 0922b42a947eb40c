/* One object and its line on a thread of its own: connect, dispatch, re-arm, disconnect, connect again, cancel, the
 * last release, a report handler, a deferred line, the storm brake, and a child of fork(2).
 *
 * Processes: Device is the hardware and the kernel's UIO driver (a level-triggered line that is masked when it fires);
 * Dispatcher is DispatcherThread.run with dispatchInterrupt and Connection.handle; Owner calls SyncStorage.connect and
 * disconnect; Canceller is ServiceRoutineRegistration.cancel; Caller is a synchronized call; Client releases a
 * deferred line (SyncStorage.release); Child is a forked process that drops what it inherited (SyncStorage.abandon).
 *
 * A step is what a lock or one system call makes indivisible. Checks that come once a second are has_left out: nothing may
 * depend on them. Switches: HANDLER, STORM, HOLD, FORK. Broken variants, which must fail: BREAK_*.
 */
#ifndef NCONNECTIONS
#define NCONNECTIONS 3
#endif
#define NONE 255
#ifndef NFIRES
#define NFIRES 2           /* how often the device asserts */
#endif

/* The line. */
bool cause;              /* the device asserts */
bool masked = true;
byte total, seen;        /* the kernel's count, and the reader's place; modulo 4 */
byte fires;

/* The interrupt lock: 0 is free. */
byte owner;
#define ACQUIRE(me) atomic { owner == 0 -> owner = me }
#define RELEASE     owner = 0

/* SyncCore.masked, and SyncCore.connection. With the lock held. */
bool is_disconnected = true, in_storm, is_deferred;
byte core_connection = NONE;
byte deferred_by;        /* which connection's routine deferred the line */
bool node_linked = true, node_cancelled;

/* Each connection: its stop flag, eventfd, thread, and stage. */
bool stop[NCONNECTIONS], wake[NCONNECTIONS], has_left[NCONNECTIONS], is_reporting[NCONNECTIONS];
bool standing[NCONNECTIONS], over[NCONNECTIONS], braked[NCONNECTIONS], must_resume[NCONNECTIONS];
byte made;               /* connections so far */

/* SyncStorage, guarded by its monitor: a step. */
byte phase;              /* 0 disconnected, 1 connecting, 2 connected, 3 disconnecting */
byte server = NONE;

/* What a caller may rely on. */
bool is_connected;       /* connect has returned, and no disconnect has begun */
bool is_quiet = true;    /* disconnect has returned, and no connect has begun (N11) */
bool cancel_returned;
byte inside;             /* routines that run (N1) */
byte storms;

active proctype Device() {
end: do
  :: atomic { fires < NFIRES && !cause -> cause = true; fires++ }
  :: atomic { cause && !masked -> masked = true; total = (total + 1) % 4 }
  od
}

/* N11: what is quiet is masked, and stays so. */
#define UNMASK assert(!is_quiet); masked = false

/* rearmIfUnmasked. With the lock held. */
inline rearm() {
#ifdef BREAK_REARM
  UNMASK
#else
  if :: !is_disconnected && !in_storm && !is_deferred -> UNMASK :: else fi
#endif
}

inline routine(c) {
  inside++;
  assert(inside == 1);
  assert(!is_quiet);
  assert(!cancel_returned);
#ifdef HOLD
  is_deferred = true; deferred_by = c;
#else
  cause = false;
#endif
  inside--
}

/* SyncStorage.connect. `by` is the connection whose thread calls it, or NONE. */
inline connect(by) {
  atomic {
    phase != 1 && phase != 3;
    if
    :: phase == 0 && made < NCONNECTIONS -> phase = 1; n = made; made++; is_quiet = false
    :: else -> n = NONE
    fi
  };
  if
  :: n != NONE ->
     ACQUIRE(100 + n); is_disconnected = false; in_storm = false; is_deferred = false; core_connection = n; RELEASE;
     pending = (total != seen);
#ifdef BREAK_ORDER
     if :: pending :: else -> ACQUIRE(100 + n); rearm(); RELEASE fi;
     atomic { seen = total; run Dispatcher(n) };      /* a new reader begins at the kernel's count */
#else
     run Dispatcher(n);
     if :: pending :: else -> ACQUIRE(100 + n); rearm(); RELEASE fi;
#endif
     atomic { server = n; phase = 2; is_connected = true };
     standing[n] = true
  :: else
  fi
}

/* SyncStorage.disconnect. An ordinary thread waits for the report handler as well, after the phase is set. */
inline disconnect(by) {
  atomic {
    phase != 1 && phase != 3;
    if :: phase == 2 -> phase = 3; s = server; is_connected = false :: else -> s = NONE fi
  };
  if
  :: s != NONE ->
#ifndef BREAK_MASK
     ACQUIRE(150 + s); is_disconnected = true; core_connection = NONE; masked = true; RELEASE;
#endif
     stop[s] = true;
#ifndef BREAK_WAKE
     wake[s] = true;
#endif
     if
     :: by == s -> over[s] = true
     :: else ->
#ifdef BREAK_QUIESCE
        over[s] = true
#elif defined(BREAK_PHASE)
        atomic { has_left[s] -> over[s] = true }          /* waits for the handler before the phase is set */
#else
        atomic { has_left[s] || is_reporting[s] -> over[s] = true }
#endif
     fi;
     atomic { assert(masked); server = NONE; phase = 0; is_quiet = true };
     if :: by == NONE -> has_left[s] :: else fi
  :: else
  fi
}

/* Connection.report: waits for connect's decision, and reports only for a connection that stands. */
inline report(c) {
#ifdef BREAK_STAGE
  atomic { assert(!over[c]); is_reporting[c] = true; stands = true };
#else
  atomic {
    standing[c] || over[c] -> stands = standing[c] && !over[c];
    if :: stands -> assert(!over[c]); is_reporting[c] = true :: else fi
  };
#endif
  if
  :: stands ->
     handler(c);
     is_reporting[c] = false
  :: else
  fi
}

inline handler(c) {
#ifdef HANDLER
  if
  :: true -> disconnect(c); if :: true -> connect(c) :: skip fi
  :: skip
  fi
#else
  skip
#endif
}

inline dispatch(c) {
  ACQUIRE(c + 1);
  claimed = false;
  if
  :: node_linked && !node_cancelled ->
     if
     :: routine(c); claimed = true
#ifdef STORM
     :: storms < 1 -> skip       /* unclaimed, and the cause stays: for a while only, or nothing could be promised */
#endif
     fi
  :: else
  fi;
#ifdef STORM
  if :: !claimed && storms < 1 && !node_cancelled -> storms++; in_storm = true; began = true :: else -> began = false fi;
#endif
  rearm();
  RELEASE;
#ifdef STORM
  if
  :: began ->
     must_resume[c] = false; braked[c] = true;
     report(c);
     do                              /* DispatcherThread.waitOnce */
     :: stop[c] -> break
     :: atomic { must_resume[c] -> must_resume[c] = false }; break
     :: skip -> break                /* the pause is over */
     :: atomic { !stop[c] && wake[c] -> wake[c] = false }
     od;
     braked[c] = false;
     if                              /* Connection.resume */
     :: !stop[c] -> ACQUIRE(c + 1); in_storm = false; rearm(); RELEASE
     :: else
     fi
  :: else
  fi;
#endif
#ifdef HANDLER
  if :: handled < 1 -> handled++; report(c) :: skip fi
#endif
}

proctype Dispatcher(byte c) {
  bool claimed, began, stands;
  byte s, n, handled;
  bool pending;
  do
  :: stop[c] -> break
  :: else ->
     if
     :: atomic { total != seen -> seen = total }; dispatch(c)
     :: total == seen ->
endwait:  if :: total != seen :: atomic { wake[c] -> wake[c] = false } fi
     fi
  od;
  has_left[c] = true
}

active proctype Owner() {
  byte s, n;
  bool pending;
  connect(NONE);
  if :: true -> disconnect(NONE); connect(NONE) :: skip fi;
  if :: true -> disconnect(NONE) :: skip fi
}

#ifndef HANDLER
active proctype Canceller() {
  if
#ifdef BREAK_CANCEL
  :: node_cancelled = true;
#else
  :: ACQUIRE(200); node_cancelled = true; RELEASE;
#endif
     cancel_returned = true; ACQUIRE(200); node_linked = false; RELEASE
  :: skip
  fi
}
#endif

active proctype Caller() {
#ifdef BREAK_LOCK
  skip;
#else
  ACQUIRE(201);
#endif
  inside++; assert(inside == 1); inside--;
#ifndef BREAK_LOCK
  RELEASE;
#endif
#ifdef STORM
  atomic { if :: server != NONE -> must_resume[server] = true; wake[server] = true :: else fi }
#endif
}

#ifdef HOLD
/* The client silences the device and hands the line back: of the connection that it looked up. */
active proctype Client() {
  byte looked;
end: do
  :: atomic { is_deferred && server != NONE -> looked = server };
     cause = false;
     ACQUIRE(202);
     if
#ifdef BREAK_RELEASE
     :: is_deferred ->
#else
     :: core_connection == looked && is_deferred ->
#endif
        assert(deferred_by == looked);
        is_deferred = false; rearm()
     :: else
     fi;
     RELEASE
  od
}
#endif

#ifdef FORK
/* A child that drops the object: `abandon` asks first whose it is, for the node and its mask are the parent's. */
active proctype Child() {
#ifdef BREAK_FORK
  if :: is_connected -> masked = true :: skip fi
#else
  skip
#endif
}
#endif

/* When nothing more can happen. */
active proctype End() { timeout -> assert(!is_connected || !cause || node_cancelled) }

/* No armed interrupt is lost: while the object is connected and its routine in the list, what the device asserts is
 * serviced. */
ltl live {
  [] ((is_connected && cause && !node_cancelled) -> <> (!cause || !is_connected || node_cancelled))
}
