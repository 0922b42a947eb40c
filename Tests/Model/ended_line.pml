/* Two threads connect an object whose line has ended: SyncStorage.connect with clearEnded and beginConnecting. A
 * connection that stands is not taken down by a connect (N9).
 */
byte phase = 2;                    /* 0 disconnected, 1 connecting, 2 connected, 3 disconnecting */
byte server = 9;                   /* the connection that stands; 9 is the one whose line has ended */
byte connected;
#define NONE 255

inline connect(me) {
  /* clearEnded: the ended connection that it saw, and no other. */
  atomic { if :: phase == 2 && server == 9 -> ended = server :: else -> ended = NONE fi };
  if
  :: ended != NONE ->
     atomic {
       phase != 1 && phase != 3;
#ifdef BREAK_ONLY
       if :: phase == 2 -> phase = 3 :: else -> ended = NONE fi
#else
       if :: phase == 2 && server == ended -> phase = 3 :: else -> ended = NONE fi
#endif
     };
     if
     :: ended != NONE -> assert(server == 9); atomic { server = NONE; phase = 0 }
     :: else
     fi
  :: else
  fi;
  atomic {
    phase != 1 && phase != 3;
    if :: phase == 0 -> phase = 1; is_mine = true :: else -> is_mine = false fi
  };
  if :: is_mine -> atomic { server = me; phase = 2 }; connected++ :: else fi
}

proctype Caller(byte me) {
  byte ended;
  bool is_mine;
  connect(me)
}

init {
  atomic { run Caller(1); run Caller(2) }
  _nr_pr == 1;
  assert(connected == 1 && server != 9)
}
