/* Objects whose lines go away together, and whose report handlers disconnect each the next one: SyncStorage.disconnect
 * with LineServer.quiesce and Connection.report, on threads of their own or (GROUP) on one thread of a group each two.
 * An ordinary thread disconnects one of them at the same time, and waits for its handler.
 *
 * The broken variant waits for the other dispatcher's end, as a join would.
 */
#ifndef N
#define N 3
#endif
#define OWNER 255

bool has_left[N], is_reporting[N];
byte phase[N];                     /* 2 connected, 3 disconnecting, 0 disconnected */
byte ended;

/* SyncStorage.disconnect of object o, by the thread of object `me` or by an ordinary one. */
inline disconnect(me, o) {
  atomic { phase[o] != 3; if :: phase[o] == 2 -> phase[o] = 3; is_mine = true :: else -> is_mine = false fi };
  if
  :: is_mine ->
     if
     :: me == o
#ifdef BREAK_WAIT
     :: me != o -> has_left[o]
#else
     :: me != o -> (has_left[o] || is_reporting[o])
#endif
     fi;
     phase[o] = 0;
     if :: me == OWNER -> has_left[o] :: else fi
  :: else
  fi
}

proctype Dispatcher(byte me) {
  bool is_mine;
  /* The line has gone: Connection.report, and in it the handler. */
  atomic { if :: phase[me] == 2 || phase[me] == 3 -> is_reporting[me] = (phase[me] != 0) :: else fi };
  if
  :: is_reporting[me] -> disconnect(me, (me + 1) % N); is_reporting[me] = false
  :: else
  fi;
  has_left[me] = true; ended++
}

proctype Owner() {
  bool is_mine;
  disconnect(OWNER, 0)
}

init {
  byte i;
  atomic {
    for (i : 0 .. N - 1) { phase[i] = 2 }
    for (i : 0 .. N - 1) { run Dispatcher(i) }
    run Owner()
  }
  ended == N
}
