/* The deferred queue: DeferredWorker.link and run, DeferredRoutine.enqueue, remove and runIfQueued. Two callers queue
 * one routine, one of them takes it back as well; the queue's thread runs it. The stack is the number of entries.
 *
 * Each queueing that answered true and was not taken back runs once; no more runs than that. Each access is a step, in
 * one order for all: the flag and the stack are sequentially consistent. Broken variants, which must fail: BREAK_*.
 */
#define IDLE 0
#define PREPARING 1
#define QUEUED 2
#define REMOVED 3
#define PREPARING_LINKED 4
#define STARTING 5

byte state = IDLE;
byte stack;                        /* entries that are linked: the routine, at most once */
bool is_asleep, event_set;
byte queued, taken_back, runs;
byte done;

inline enqueue() {
  linked = false; refused = false;
  do
  :: atomic { state == IDLE -> state = PREPARING; linked = false }; break
  :: atomic { state == REMOVED -> state = PREPARING_LINKED; linked = true }; break
  :: atomic { state != IDLE && state != REMOVED -> refused = true }; break
  od;
  if
  :: refused
  :: else ->
     atomic { state = QUEUED; queued++ };
     if
     :: !linked ->
        atomic { stack++; assert(stack == 1) };
        /* The exchange of the flag. */
        atomic { was_asleep = is_asleep; is_asleep = false };
        if :: was_asleep -> event_set = true :: else fi
     :: else
     fi
  fi
}

active [2] proctype Caller() {
  bool linked, refused, was_asleep;
  enqueue();
  if
  :: atomic { state == QUEUED -> state = REMOVED; taken_back++ }
  :: skip
  fi;
  enqueue();
  done++
}

active proctype Thread() {
  bool has, is_run;
  do
  :: true ->
     atomic { has = (stack > 0); stack = 0 };
     if
     :: has ->
        /* runIfQueued, again while the arguments are being written */
        do
        :: atomic { state == QUEUED -> state = STARTING }; is_run = true; break
        :: atomic { state == REMOVED -> state = IDLE }; is_run = false; break
        :: state == PREPARING_LINKED -> skip
#ifdef BREAK_DEFAULT
        :: state == PREPARING_LINKED -> is_run = false; break
#endif
        od;
        if
        :: is_run -> atomic { state = IDLE; runs++ }
        :: else
        fi
     :: else ->
#ifdef BREAK_FLAG
        if :: stack == 0 -> is_asleep = true :: else -> goto again fi;
endsleep: atomic { event_set -> event_set = false };
#else
        is_asleep = true;
        if
        :: stack == 0 ->
endsleep:  atomic { event_set -> event_set = false }
        :: else
        fi;
#endif
        is_asleep = false
     fi;
again: skip
  od
}

/* When nothing more can happen. */
active proctype End() { timeout -> assert(done == 2 && runs == queued - taken_back) }

