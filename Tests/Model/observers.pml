/* Records on their way to observers: cuio_ring_leave and the bell of a dispatch, which has left the lock by then,
 * RecordSource.add and remove, and ObserverThread.serve. Every record that is written while an observer is there reaches
 * it, none twice, and the thread does not sleep over one. Broken variants, which must fail: BREAK_*.
 */
#ifndef NRECORDS
#define NRECORDS 3
#endif
bool is_published;                 /* SyncCore.records */
byte written, read;
bool is_asleep, event_set;
/* Letters, guarded by a monitor: a step. */
byte add_at = 255, remove_at = 255;
bool added, is_there, has_ended;
byte since, before;                 /* the records that are the observer's: since <= n < before */
byte told;                         /* how many it got */
byte upto;

active proctype Dispatcher() {
  byte n;
  bool ring, asleep;
  do
  :: n < NRECORDS ->
     n++;
     ring = is_published;
     if
     :: ring ->
        written++;
        atomic { asleep = is_asleep; if :: asleep -> is_asleep = false :: else fi };
        if :: asleep -> event_set = true :: else fi
     :: else
     fi
  :: n == NRECORDS -> break
  od
}

active proctype Subscriber() {
  /* With the source's monitor; the letter is made with the thread's. */
  is_published = true;
  atomic { add_at = written; since = written; added = true };
  event_set = true;
  if
  :: true ->
     is_published = false;
     /* A dispatch that has the ring may write it a last time. */
     atomic { remove_at = written; before = written };
     event_set = true
  :: skip
  fi
}

inline deliver(end) {
  do
  :: read < end ->
     if :: is_there && read >= since -> told++ :: else fi;
     read++
  :: else -> break
  od
}

active proctype Thread() {
  byte a, r;
  do
  :: true ->
#ifdef BREAK_END
     atomic { a = add_at; r = remove_at; add_at = 255; remove_at = 255 };
     upto = written;
#else
     upto = written;
     atomic { a = add_at; r = remove_at; add_at = 255; remove_at = 255 };
#endif
     if :: a != 255 -> is_there = true :: else fi;
     if
     :: r != 255 -> deliver(r); is_there = false; has_ended = true; read = written
     :: else -> if :: is_there -> deliver(upto) :: else fi
     fi;
#ifdef BREAK_BELL
     if :: !is_there || read == written -> is_asleep = true :: else -> goto again fi;
#else
     is_asleep = true;
     if :: is_there && read != written -> goto again :: else fi;
#endif
endsleep: atomic { event_set -> event_set = false };
again: skip
  od
}

/* When nothing more can happen. */
active proctype End() { timeout -> assert(told == (has_ended -> before : written) - since) }

