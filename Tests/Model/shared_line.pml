/* SharedLine: members come and go, by their owner and by the line's report handler at once, and say that they are
 * inactive and active again (setActive, maskIfInactive, Connection.restInactive).
 *
 * Processes: Device, Hub (the hub's dispatcher, with a report handler that takes the member out), Owner (connects is
 * done; sets the member inactive and active, and takes it out at the same time). Switches: INACTIVE, REMOVE. Broken
 * variants, which must fail: BREAK_*.
 */
bool cause, masked;
byte total, seen, fires;
byte owner;
#define ACQUIRE(me) atomic { owner == 0 -> owner = me }
#define RELEASE     owner = 0

bool is_changing;                  /* SharedLine.changing */
bool is_member = true;
bool is_connected = true, is_disconnected, in_storm;
bool stop, wake, has_left, is_reporting;
bool inactive, must_resume, braked;
byte inside;

active proctype Device() {
end: do
  :: atomic { fires < 2 && !cause -> cause = true; fires++ }
  :: atomic { cause && !masked -> masked = true; total = (total + 1) % 4 }
  od
}

/* SharedLine.take: the last member's end disconnects the hub before the next change, and no handler is waited for. */
inline take(is_dispatcher) {
  atomic { !is_changing -> is_changing = true; mine = is_member; is_member = false };
  if
  :: mine ->
     is_connected = false;
     ACQUIRE(2); is_disconnected = true; masked = true; RELEASE;
     stop = true; wake = true;
     if
     :: is_dispatcher
#ifdef BREAK_CHANGE
     :: !is_dispatcher -> has_left              /* waits for the handler within the change */
#else
     :: !is_dispatcher -> (has_left || is_reporting)
#endif
     fi
  :: else
  fi;
  is_changing = false;
  if :: !is_dispatcher && mine -> has_left :: else fi
}

active proctype Hub() {
  bool claimed, mine, rests;
  do
  :: stop -> break
  :: else ->
     if
     :: atomic { total != seen -> seen = total };
        ACQUIRE(1);
        rests = false;
        inside++; assert(inside == 1);
        if
        :: inactive -> in_storm = true; rests = true     /* the member refuses; maskIfInactive */
        :: else -> cause = false
        fi;
        inside--;
        if :: !is_disconnected && !in_storm -> masked = false :: else fi;
        RELEASE;
        if
        :: rests ->
           braked = true;
#ifdef BREAK_REQUEST
           must_resume = false;             /* a request of before is lost */
           do
           :: stop -> break
           :: atomic { must_resume -> must_resume = false }; break
           :: atomic { !stop && wake -> wake = false }
           od;
#else
           do
           :: stop -> break
           :: atomic { must_resume -> must_resume = false }; break
           :: !inactive -> break            /* resumeDue = 0: it is active again already */
           :: atomic { !stop && wake -> wake = false }
           od;
#endif
           braked = false;
           if
           :: !stop -> ACQUIRE(1); in_storm = false; if :: !is_disconnected -> masked = false :: else fi; RELEASE
           :: else
           fi
        :: else
        fi
     :: total == seen ->
endwait:if :: total != seen :: atomic { wake -> wake = false } fi
#ifdef REMOVE
     /* The line has gone: the report handler takes the member out. */
     :: !stop -> is_reporting = true; take(true); is_reporting = false
#endif
     fi
  od;
  has_left = true
}

active proctype Owner() {
  bool mine;
#ifdef INACTIVE
  inactive = true;
  atomic { inactive = false }; must_resume = true; wake = true;
#endif
#ifdef REMOVE
  take(false);
  assert(masked)
#endif
}

/* When nothing more can happen. */
active proctype End() { timeout -> assert(!is_connected || inactive || !cause) }

/* While the member is active and connected, what the device asserts is serviced (W11). */
ltl live { [] ((is_connected && !inactive && cause) -> <> (!cause || !is_connected || inactive)) }
