/* The interrupt lock when a thread ends inside a routine: cuio_lock_acquire, cuio_lock_release, close_inconsistent,
 * cuio_lock_repair, and the kernel's PI futex below them. No thread works on half-done state before it was repaired, and
 * no waiter waits for ever.
 *
 * Processes: Dying acquires, and ends in the routine; Caller acquires twice; Repairer puts it right. Switch: TIMED, a
 * caller that gives up waiting. Broken variants, which must fail: BREAK_*.
 */
#define FREE 0
#define INCONSISTENT 99
#define NTHREADS 5

byte word;                         /* the owner's id, FREE or INCONSISTENT */
bool has_waiters;                  /* FUTEX_WAITERS */
bool died;                         /* cuio_lock.died */
bool waiting[NTHREADS], granted[NTHREADS];
bool half_done;
byte inside, ended;

/* FUTEX_LOCK_PI: 0, or `refused` where the word is no thread's. */
inline lock_pi(me) {
  atomic {
    granted[me] = false; refused = false; timed_out = false;
    if
    :: word == FREE && !has_waiters -> word = me; granted[me] = true
    :: word == INCONSISTENT -> refused = true
    :: else -> waiting[me] = true; has_waiters = true
    fi
  };
  if
  :: refused
  :: granted[me]
#ifdef TIMED
  :: atomic { me == 4 && waiting[me] && !granted[me] -> waiting[me] = false; timed_out = true }
#endif
  fi
}

/* FUTEX_UNLOCK_PI: to the first waiter, or to none. The bit stays while others wait. */
inline unlock_pi() {
  atomic {
    if
    :: waiting[1] -> word = 1; waiting[1] = false; granted[1] = true
    :: waiting[2] -> word = 2; waiting[2] = false; granted[2] = true
    :: waiting[3] -> word = 3; waiting[3] = false; granted[3] = true
    :: waiting[4] -> word = 4; waiting[4] = false; granted[4] = true
    :: else -> word = FREE
    fi;
    has_waiters = waiting[1] || waiting[2] || waiting[3] || waiting[4]
  }
}

/* close_inconsistent: by the owner, which a waiter becomes when it is handed the lock. */
inline close_inconsistent(me) {
  is_closing = true;
  do
  :: is_closing ->
     died = true;
     if
     :: atomic { !has_waiters -> word = INCONSISTENT }; is_closing = false
     :: has_waiters ->
        unlock_pi();
        do
        :: has_waiters || word == INCONSISTENT -> is_closing = false; break
        :: atomic { word == FREE && !has_waiters -> word = INCONSISTENT }; is_closing = false; break
        :: word != FREE && word != INCONSISTENT && !has_waiters ->
           lock_pi(me);
           is_closing = !refused && !timed_out;
           break
        od
     fi
  :: else -> break
  od
}

inline acquire(me) {
  atomic { if :: word == FREE && !has_waiters -> word = me; got = true :: else -> got = false fi };
  if
  :: got
  :: else ->
     lock_pi(me);
     if
     :: refused || timed_out -> got = false
     :: else ->
        got = true;
#ifndef BREAK_WAITER
        if :: died -> close_inconsistent(me); got = false :: else fi
#endif
     fi
  fi
}

inline release(me) {
  if
  :: atomic { !has_waiters -> word = FREE }
  :: has_waiters -> unlock_pi()
  fi
}

inline routine() {
  inside++; assert(inside == 1); assert(!half_done); inside--
}

active proctype Dying() {
  bool got, is_closing, refused, timed_out;
  acquire(1);
  if
  :: got -> inside++; assert(inside == 1); half_done = true; inside--;
#ifndef BREAK_OWNER
     close_inconsistent(1)
#endif
  :: else
  fi;
  ended++
}

proctype Caller(byte me) {
  bool got, is_closing, refused, timed_out;
  acquire(me);
  if :: got -> routine(); release(me) :: else fi;
  acquire(me);
  if :: got -> routine(); release(me) :: else fi;
  ended++
}

/* cuio_lock_repair */
active proctype Repairer() {
  do
  :: atomic { word == INCONSISTENT && !has_waiters -> word = 3 };
     half_done = false; died = false;
     inside++; assert(inside == 1); inside--;
#ifdef BREAK_REPAIR
     word = FREE;
#else
     if :: atomic { !has_waiters -> word = FREE } :: has_waiters -> unlock_pi() fi;
#endif
     break
  :: ended == 3 && word != INCONSISTENT -> break
  od
}

init { atomic { run Caller(2); run Caller(4) } }

/* When nothing more can happen, no thread waits. */
active proctype End() { timeout -> assert(ended == 3 && !waiting[1] && !waiting[2] && !waiting[4]) }
