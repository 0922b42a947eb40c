"""The models, in which forms they must hold, and the broken forms that must fail: by safety (assertions, deadlocks), or
by liveness (the property `live`, under weak fairness)."""

HANDLER = "-DHANDLER -DNFIRES=1 -DNCONNECTIONS=2"

HOLD = [
    ("own_thread", "", "safety live"),
    ("own_thread", HANDLER, "safety live"),
    ("own_thread", HANDLER + " -DSTORM", "safety"),
    ("own_thread", HANDLER + " -DHOLD", "safety"),
    ("own_thread", "-DSTORM", "safety live"),
    ("own_thread", "-DHOLD", "safety live"),
    ("own_thread", "-DFORK", "safety"),
    ("group", "-DOTHER", "safety live"),
    ("group", "-DSTORM", "safety live"),
    ("group", "-DSTORM -DOTHER", "safety"),
    ("crossed_handlers", "-DN=2", "safety"),
    ("crossed_handlers", "-DN=3", "safety"),
    ("shared_line", "-DREMOVE", "safety live"),
    ("shared_line", "-DINACTIVE", "safety live"),
    ("shared_line", "-DINACTIVE -DREMOVE", "safety live"),
    ("ended_line", "", "safety"),
    ("deferred_queue", "", "safety"),
    ("observers", "", "safety"),
    ("lock_owner", "", "safety"),
]

# Too many states for each run of the tests: with SOAK=1.
HOLD_IN_FULL = [
    ("own_thread", "-DHANDLER", "safety"),
    ("own_thread", "-DHOLD -DSTORM", "safety live"),
    ("own_thread", HANDLER + " -DSTORM -DHOLD", "safety"),
    ("crossed_handlers", "-DN=4", "safety"),
    ("observers", "-DNRECORDS=5", "safety"),
]

FAIL = [
    ("own_thread", "-DBREAK_REARM", "safety", "re-arms whatever masks the line"),
    ("own_thread", "-DBREAK_MASK", "safety", "disconnect does not mask"),
    ("own_thread", "-DBREAK_WAKE", "safety", "disconnect does not wake the dispatcher"),
    ("own_thread", "-DBREAK_QUIESCE", "safety", "disconnect does not wait for the dispatcher"),
    ("own_thread", "-DBREAK_LOCK", "safety", "a synchronized call without the lock"),
    ("own_thread", "-DBREAK_CANCEL", "safety", "cancel marks the entry without the lock"),
    ("own_thread", "-DBREAK_ORDER", "safety", "connect unmasks before the dispatcher reads"),
    ("own_thread", "-DHOLD -DBREAK_RELEASE", "safety", "release asks only whether some line is deferred"),
    ("own_thread", "-DFORK -DBREAK_FORK", "safety", "a forked child masks the line"),
    ("own_thread", HANDLER + " -DBREAK_PHASE", "safety", "disconnect waits for the handler before its phase is over"),
    ("own_thread", HANDLER + " -DSTORM -DBREAK_STAGE", "safety", "a report begins after the disconnect"),
    ("group", "-DBREAK_NEWS", "safety", "a member leaves and the thread is not woken"),
    ("group", "-DOTHER -DBREAK_TAKE", "safety", "a member stays in the poller while the thread is in a handler"),
    ("group", "-DOTHER -DBREAK_FREE", "safety", "a member's slot is freed within a round"),
    ("group", "-DSTORM -DBREAK_MOD", "safety", "the brake's end does not ask the poller again"),
    ("group", "-DSTORM -DBREAK_MOD", "live", "the same, as a lost interrupt"),
    ("crossed_handlers", "-DBREAK_WAIT", "safety", "a dispatcher waits for another one's end"),
    ("shared_line", "-DREMOVE -DBREAK_CHANGE", "safety", "a handler is waited for within the change"),
    ("shared_line", "-DINACTIVE -DBREAK_REQUEST", "safety", "the rest forgets that a member is active again"),
    ("ended_line", "-DBREAK_ONLY", "safety", "connect clears whichever connection there is"),
    ("deferred_queue", "-DBREAK_FLAG", "safety", "the queue looks before it says that it sleeps"),
    ("deferred_queue", "-DBREAK_DEFAULT", "safety", "a routine that is being queued again is passed over"),
    ("observers", "-DBREAK_BELL", "safety", "the thread looks before it says that it sleeps"),
    ("observers", "-DBREAK_END", "safety", "how far a turn goes is read after the letters"),
    ("lock_owner", "-DBREAK_WAITER", "safety", "a waiter does not look whether the owner died"),
    ("lock_owner", "-DBREAK_OWNER", "safety", "a thread that ends leaves its lock as it is"),
    ("lock_owner", "-DBREAK_REPAIR", "safety", "the repair frees the lock over the heads of waiters"),
    # Known, and described in docs/processes.md: the fast path does not ask, as that costs every call a load.
    ("lock_owner", "-DTIMED", "safety", "a caller that comes between the release and the mark"),
]
