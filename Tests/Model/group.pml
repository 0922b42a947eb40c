/* One line of a group: GroupThread.run, serve and checkRecovering, GroupMember, and the take-over of a member while
 * the thread is inside another line's report handler (GroupThread.quiesce).
 *
 * Processes: Device is the hardware and the kernel, with an edge-triggered epoll; Thread is the group's; Owner connects,
 * disconnects and connects again: each connection has a slot of its own on the same descriptor; Caller resumes after a
 * storm. The sweep once a second is has_left out: nothing may depend on it. Switches: STORM, OTHER (another line of the
 * group reports now and then). Broken variants, which must fail: BREAK_*.
 */
#define NSLOTS 2
#define NONE 255

bool cause, masked = true;
byte total, seen, fires;
byte owner;
#define ACQUIRE(me) atomic { owner == 0 -> owner = me }
#define RELEASE     owner = 0
bool is_disconnected = true, in_storm;

/* The poller and the group's eventfd. */
bool news, event_set;
byte ready = NONE;                 /* the slot that is on the ready list */
byte batch = NONE;                 /* what the last epoll_wait returned, until it is served */
/* Each slot: in the poller, asked for counts, wants to leave, out of the poller, freed. */
bool listening[NSLOTS], counts[NSLOTS], leaving[NSLOTS], removed[NSLOTS], freed[NSLOTS], queued[NSLOTS];
bool stop[NSLOTS], has_left[NSLOTS], braked[NSLOTS], recovering[NSLOTS], must_resume[NSLOTS];
byte made, server = NONE;
bool is_reporting;                 /* the thread is inside a report handler of another line */
bool is_connected, is_quiet = true;
byte inside, storms, waits, reports;

/* N11: what is quiet is masked, and stays so. */
#define UNMASK assert(!is_quiet); masked = false

active proctype Device() {
end: do
  :: atomic { fires < 2 && !cause -> cause = true; fires++ }
  :: atomic {
       cause && !masked -> masked = true; total = (total + 1) % 4;
       if :: server != NONE && listening[server] && counts[server] -> ready = server :: else fi
     }
  od
}

/* GroupThread.unregister. */
inline unregister(m) { listening[m] = false; counts[m] = false; if :: ready == m -> ready = NONE :: else fi }

/* GroupThread.remove. With the monitor: a step. */
inline remove(m) {
  if :: !removed[m] -> removed[m] = true; unregister(m) :: else fi
}

inline reap(m) {
  atomic {
    if
    :: removed[m] && !freed[m] && !queued[m] -> freed[m] = true; recovering[m] = false; has_left[m] = true
    :: else
    fi
  }
}

inline serve(m) {
  assert(!freed[m]);
  if
  :: listening[m] && !stop[m] && !braked[m] ->
     got = false;
     atomic { if :: total != seen -> seen = total; got = true :: else fi };
     if
     :: got ->
        ACQUIRE(1);
        assert(!is_quiet); inside++; assert(inside == 1);
        began = false;
#ifdef STORM
        if :: storms < 1 -> storms++; in_storm = true; began = true :: cause = false fi;
#else
        cause = false;
#endif
        inside--;
        if :: !is_disconnected && !in_storm -> UNMASK :: else fi;
        RELEASE;
        if
        :: began ->
           must_resume[m] = false; braked[m] = true;
           atomic { if :: stop[m] -> if :: listening[m] -> unregister(m) :: else fi :: else fi };
           atomic { if :: listening[m] -> counts[m] = false; if :: ready == m -> ready = NONE :: else fi :: else fi };
           recovering[m] = true
        :: else
        fi
        /* enqueue: a line that never rests, or a stream, is read again before the poller is asked. */
        atomic { if :: listening[m] -> queued[m] = true :: skip fi }
     :: else
     fi
  :: else
  fi
}

inline serve_queued(m) {
  if :: queued[m] -> queued[m] = false; serve(m) :: else fi
}

inline check_recovering(m) {
  if
  :: recovering[m] && listening[m] && braked[m] ->
     if
     :: true ->                     /* the pause is over, or the owner has asked for the line */
        must_resume[m] = false; braked[m] = false;
        if
        :: !stop[m] ->
           ACQUIRE(1); in_storm = false;
           if :: !is_disconnected -> UNMASK :: else fi;
           RELEASE
        :: else
        fi;
        recovering[m] = false;
        /* EPOLL_CTL_MOD polls the descriptor: what came meanwhile is reported. */
        atomic {
          if
          :: listening[m] ->
             counts[m] = true;
#ifndef BREAK_MOD
             if :: total != seen -> ready = m :: else fi
#endif
          :: else
          fi
        }
     :: !must_resume[m] && waits < 2 -> waits++
     fi
  :: else
  fi
}

active proctype Thread() {
  bool got, began, had;
  byte m;
  do
  :: true ->
     atomic { had = news; news = false };
     if
     :: had ->
        /* takeLeaving, and remove each */
        atomic { if :: leaving[0] -> leaving[0] = false; remove(0) :: else fi };
        atomic { if :: leaving[1] -> leaving[1] = false; remove(1) :: else fi };
        reap(0); reap(1)
     :: else
     fi;
     check_recovering(0); check_recovering(1);
endsleep:
     if
     :: ready != NONE || event_set || queued[0] || queued[1]
     :: (recovering[0] && braked[0] && listening[0]) || (recovering[1] && braked[1] && listening[1])
#ifdef OTHER
     :: reports < 2              /* an event of another line */
#endif
     fi;
     atomic { event_set = false; batch = ready; ready = NONE };
#ifdef OTHER
     /* The other line comes first in the batch, and its handler runs. */
     if
     :: reports < 2 -> reports++; is_reporting = true;
        /* the handler */
        is_reporting = false
     :: skip
     fi;
#endif
     if :: batch != NONE -> m = batch; batch = NONE; serve(m) :: else fi;
     serve_queued(0); serve_queued(1);
     reap(0); reap(1)
  od
}

inline wake_up() { news = true; event_set = true }

inline connect(m) {
  is_quiet = false;
  ACQUIRE(2); is_disconnected = false; in_storm = false; RELEASE;
  pending = (total != seen);
  /* GroupMember.start: EPOLL_CTL_ADD, which fails while the descriptor is in the poller, and polls it. */
  atomic {
    assert(!listening[0] && !listening[1]);
    server = m; listening[m] = true; counts[m] = true;
    if :: total != seen -> ready = m :: else fi
  };
  if
  :: pending
  :: else -> ACQUIRE(2); if :: !is_disconnected && !in_storm -> UNMASK :: else fi; RELEASE
  fi;
  is_connected = true
}

inline disconnect(m) {
  is_connected = false;
  ACQUIRE(2); is_disconnected = true; masked = true; RELEASE;
  stop[m] = true;
  atomic { if :: !removed[m] -> leaving[m] = true :: else fi };
#ifndef BREAK_NEWS
  wake_up();
#endif
  /* GroupThread.quiesce: while the thread is inside a handler the caller takes the line out itself. */
  atomic {
    has_left[m] || is_reporting;
#ifndef BREAK_TAKE
    if :: !has_left[m] -> remove(m) :: else fi
#endif
#ifdef BREAK_FREE
    ; freed[m] = true; has_left[m] = true      /* at once, and not between two rounds */
#endif
  };
  assert(masked);
  is_quiet = true
}

active proctype Owner() {
  bool pending;
  connect(0);
  if :: true -> disconnect(0); connect(1); if :: true -> disconnect(1) :: skip fi :: skip fi
}

active proctype Caller() {
  ACQUIRE(4); assert(inside == 0); RELEASE;
  atomic { if :: server != NONE -> must_resume[server] = true :: else fi };
  wake_up()
}

/* When nothing more can happen. */
active proctype End() { timeout -> assert(!is_connected || !cause) }

ltl live { [] ((is_connected && cause) -> <> (!cause || !is_connected)) }
