"""What a soak saw of the daemon: values without judgement, which the judge and the pictures read.

Times are seconds since the start of the soak. A life is one process of the daemon, numbered from 0.
"""
import dataclasses


@dataclasses.dataclass
class Sample:
    """Under load."""
    time: float
    life: int
    resident: int
    descriptors: int
    threads: int
    # Of all lines, since this process began.
    interrupts: int
    longest_hold: float


@dataclasses.dataclass
class Rest:
    """The load has stopped, its clients have gone, every line is connected, and free memory went back to the kernel."""
    time: float
    life: int
    resident: int
    # Of malloc(3), in bytes.
    in_use: int
    descriptors: int
    threads: int


@dataclasses.dataclass
class Count:
    """What a line was triggered with, and what the daemon counted."""
    time: float
    life: int
    line: str
    # When: "rest", "restart" or "crash".
    moment: str
    raised: int
    counted: int
    # What the line's eventfd still held when the process had ended.
    left: int = 0


@dataclasses.dataclass
class Answer:
    """How long root waited for an answer."""
    time: float
    seconds: float
    # Of it, for how long the daemon's control thread and the client were ready to run, and other processes ran.
    waited: float
    # How late the machine woke the client from a sleep just before.
    lateness: float

    @property
    def own(self):
        """What of it is the daemon's."""
        return max(self.seconds - self.waited, 0)


@dataclasses.dataclass
class Recording:
    seconds: float
    samples: list = dataclasses.field(default_factory=list)
    rests: list = dataclasses.field(default_factory=list)
    counts: list = dataclasses.field(default_factory=list)
    answers: list = dataclasses.field(default_factory=list)
    # (time, "restart" or "crash").
    ends: list = dataclasses.field(default_factory=list)
    # How often each kind of load was made.
    load: dict = dataclasses.field(default_factory=dict)
    # What a client or the service manager saw that must not be, in words.
    faults: list = dataclasses.field(default_factory=list)

    def made(self, kinds):
        """Adds to the load."""
        for kind, count in kinds.items():
            self.load[kind] = self.load.get(kind, 0) + count


def percentile(values, part):
    values = sorted(values)
    return values[min(int(len(values) * part), len(values) - 1)]
