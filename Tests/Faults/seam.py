"""The seam at which every system call of a process passes: the boundary to the kernel. A filter of the test's own, not
code of the product, stops the calls that CALLS names; one at a time is answered with an error instead of being made.
It works with no rights that a process does not have anyway (seccomp user notification, Linux 5.9).

A fault is (call, errno, n): the n-th such call from the moment it is armed fails. The process does not see the
difference from a kernel that is out of memory or descriptors, however it makes the call: in C, in Swift, in the C
library or in libudev.
"""
import array
import errno
import fcntl
import functools
import os
import pathlib
import select
import shutil
import socket
import struct
import subprocess
import threading

from calls import CALLS

HERE = pathlib.Path(__file__).parent
RECEIVE, ANSWER = 0xC0502100, 0xC0182101
CONTINUE = 1
# What a process under test says to its own supervisor: sched_get_priority_min() of these.
MARK_CALL, ARM, DISARM = "sched_get_priority_min", 0x5EA00001, 0x5EA00002


@functools.cache
def launcher():
    folder = pathlib.Path(os.environ.get("FAULTS_BUILD", ".build/faults"))
    folder.mkdir(parents=True, exist_ok=True)
    program = folder / "launch"
    compiler = next(filter(None, map(shutil.which, ["gcc", "clang", "cc"])))
    subprocess.run([compiler, "-std=gnu17", "-O2", "-Wall", "-Wextra", "-Werror", HERE / "launch.c", "-o", program],
                   check=True)
    return str(program)


@functools.cache
def numbers():
    """The processor's numbers of the calls."""
    said = subprocess.run([launcher()], check=True, capture_output=True, text=True).stdout
    return {name: int(number) for name, number in map(str.split, said.splitlines())}


class Fault:
    """The n-th call of a kind fails with an errno."""

    def __init__(self, call, error, occurrence, begins=None):
        self.call, self.error, self.occurrence = call, error, occurrence
        # Nothing is counted before a call for which this is true.
        self.begins = begins
        self.seen, self.struck = 0, None

    def __str__(self):
        return f"{self.call} {self.error} {self.occurrence}"

    def strikes(self, process, arguments):
        """Whether this call is the one. With the seam's lock held."""
        if not CALLS[self.call].matches(process, arguments):
            return False
        self.seen += 1
        if self.seen == self.occurrence:
            self.struck = arguments
            return True
        return False


class Seam:
    """A process whose calls pass here."""

    def __init__(self, command, kinds=CALLS, fault=None, on_mark=None, **options):
        # The process may say something before this returns: `on_mark` is called with the seam, on a thread of its own.
        self.fault, self.on_mark = fault, on_mark
        self.lock = threading.Lock()
        self.names = {numbers()[CALLS[kind].call]: CALLS[kind].call for kind in kinds if CALLS[kind].call in numbers()}
        self.names[numbers()[MARK_CALL]] = MARK_CALL
        ours, theirs = socket.socketpair()
        with ours, theirs:
            self.process = subprocess.Popen([launcher(), ",".join(map(str, self.names)), *command], stdin=theirs,
                                            **options)
            theirs.close()
            _, control, _, _ = ours.recvmsg(1, socket.CMSG_SPACE(4))
        assert control, f"no filter: {self.process.wait()}"
        self.listener = array.array("i", control[0][2])[0]
        self.thread = threading.Thread(target=self.serve, daemon=True)
        self.thread.start()

    def arm(self, fault):
        with self.lock:
            self.fault = fault

    def disarm(self):
        """The fault that was armed."""
        with self.lock:
            fault, self.fault = self.fault, None
            return fault

    def serve(self):
        try:
            self.answer_all()
        except BaseException:
            # Without answers it would wait forever.
            self.process.kill()
            raise
        finally:
            os.close(self.listener)

    def answer_all(self):
        poller = select.poll()
        poller.register(self.listener, select.POLLIN)
        while True:
            events = poller.poll()[0][1]
            if not events & select.POLLIN:
                break
            request = bytearray(80)
            try:
                fcntl.ioctl(self.listener, RECEIVE, request)
            except OSError as error:
                # A signal has taken the call back, or the process has ended.
                if error.errno in (errno.ENOENT, errno.EINTR):
                    continue
                raise
            identity, process, _, number, _, _, *arguments = struct.unpack("QIIiIQ6Q", request)
            value, error, flags = self.answer(self.names[number], process, arguments)
            try:
                fcntl.ioctl(self.listener, ANSWER, struct.pack("Qqii", identity, value, error, flags))
            except OSError as failure:
                if failure.errno != errno.ENOENT:
                    raise

    def answer(self, name, process, arguments):
        if name == MARK_CALL and arguments[0] & 0xFFFFFFFF in (ARM, DISARM):
            return self.on_mark(self, arguments[0] & 0xFFFFFFFF), 0, 0
        with self.lock:
            fault = self.fault
            if fault and fault.begins:
                if fault.begins(name, arguments):
                    fault.begins = None
            elif fault and CALLS[fault.call].call == name and fault.strikes(process, arguments):
                return 0, -getattr(errno, fault.error), 0
        return 0, 0, CONTINUE
