"""The system calls that a dispatcher makes between the lock and the unlock of the interrupt lock.

A tracer stops the thread at every system call and looks at its level, which the thread keeps in memory of its own:
level 3 means that it holds the lock.
"""
import ctypes
import os
import struct
import subprocess
import threading

# The re-arm, a register that is not mapped, whether a device is still there, and the lock of an object that shares the
# line.
ALLOWED = {"write", "pwrite64", "pread64", "poll that does not wait", "futex"}
NAMES = {
    "x86_64": {0: "read", 1: "write", 7: "poll", 17: "pread64", 18: "pwrite64", 202: "futex"},
    "aarch64": {63: "read", 64: "write", 67: "pread64", 68: "pwrite64", 73: "poll", 98: "futex"},
}[os.uname().machine]
DEVICE_LEVEL = 3

ENTRY = 1
SYSCALL, SEIZE, INTERRUPT, GET_SYSCALL_INFO, PEEKUSER, GETREGSET = 24, 0x4206, 0x4207, 0x420E, 3, 0x4204
TRACE_SYSTEM_CALLS = 1  # PTRACE_O_TRACESYSGOOD
WAIT_ANY_KIND = 0x40000000  # __WALL
FS_BASE, NT_ARM_TLS = 21 * 8, 0x401

libc = ctypes.CDLL(None, use_errno=True)
libc.ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p]
libc.ptrace.restype = ctypes.c_long


def place_of_state(program):
    """Where a thread of the program keeps its state, in bytes from its thread pointer."""
    symbols = subprocess.run(["nm", program], capture_output=True, text=True, check=True).stdout
    place = next(int(line.split()[0], 16) for line in symbols.splitlines() if line.endswith(" cuio_thread_state"))
    headers = subprocess.run(["readelf", "-lW", program], capture_output=True, text=True, check=True).stdout
    fields = next(line.split() for line in headers.splitlines() if line.split()[:1] == ["TLS"])
    size, alignment = int(fields[5], 16), int(fields[-1], 16)
    if os.uname().machine == "aarch64":
        return -(-16 // alignment) * alignment + place
    return place - -(-size // alignment) * alignment


def dispatchers(process, device):
    """The threads that have the device's name, as far as the kernel keeps it."""
    folder = f"/proc/{process}/task"
    for thread in os.listdir(folder):
        with open(f"{folder}/{thread}/comm") as file:
            if file.read().rstrip("\n") == device[:15]:
                yield int(thread)


class HeldCalls:
    """Counts the calls of the device's dispatcher, by name: those with the lock, and all others."""

    def __init__(self, process, device, place):
        self.place, self.held, self.others = place, {}, 0
        self.failure = None
        self.is_over = False
        self.thread, = dispatchers(process, device)
        self.memory = os.open(f"/proc/{process}/mem", os.O_RDONLY)
        seized = threading.Event()
        self.tracer = threading.Thread(target=self.trace, args=(seized,))
        self.tracer.start()
        seized.wait()
        if self.failure:
            self.end()

    # Only the thread that has seized another one may trace it.

    def ask(self, request, address=0, data=0):
        ctypes.set_errno(0)
        result = libc.ptrace(request, self.thread, address, data)
        if result == -1 and ctypes.get_errno():
            raise OSError(ctypes.get_errno(), f"ptrace {request:#x}")
        return result

    def trace(self, seized):
        try:
            self.ask(SEIZE, 0, TRACE_SYSTEM_CALLS)
            self.ask(INTERRUPT)
            seized.set()
            while True:
                _, status = os.waitpid(self.thread, WAIT_ANY_KIND)
                if not os.WIFSTOPPED(status):
                    raise OSError(f"the dispatcher ended: {status:#x}")
                if os.WSTOPSIG(status) & 0x80:
                    self.look()
                if self.is_over:
                    return
                self.ask(SYSCALL)
        except Exception as error:  # the caller's thread raises it
            self.failure = error
            seized.set()

    def look(self):
        info = ctypes.create_string_buffer(88)
        self.ask(GET_SYSCALL_INFO, len(info), ctypes.addressof(info))
        if info.raw[0] != ENTRY:
            return
        number, _, _, timeout = struct.unpack_from("4Q", info, 24)
        _, level = struct.unpack("Ii", os.pread(self.memory, 8, self.thread_pointer() + self.place))
        if level == DEVICE_LEVEL:
            name = NAMES.get(number, str(number))
            if name == "poll" and not self.waits(timeout):
                name = "poll that does not wait"
            self.held[name] = self.held.get(name, 0) + 1
        else:
            self.others += 1

    def waits(self, timeout):
        """Of poll(2), in milliseconds, or of ppoll(2), which has the address of a time."""
        if os.uname().machine == "aarch64":
            return timeout == 0 or any(os.pread(self.memory, 16, timeout))
        return timeout & 0xFFFF_FFFF != 0

    def thread_pointer(self):
        word = ctypes.c_uint64()
        if os.uname().machine == "aarch64":
            vector = (ctypes.c_uint64 * 2)(ctypes.addressof(word), 8)
            self.ask(GETREGSET, NT_ARM_TLS, ctypes.addressof(vector))
            return word.value
        return self.ask(PEEKUSER, FS_BASE) & 0xFFFF_FFFF_FFFF_FFFF

    def end(self):
        """The calls with the lock: how many of each. The tracer ends at the dispatcher's next call, at the latest when it
        shows that it lives."""
        self.is_over = True
        self.tracer.join()
        os.close(self.memory)
        if self.failure:
            raise self.failure
        return self.held
