"""sandbox.py FILE: an attacker's first steps with the daemon's place. Prints each claim of the unit's sandbox and whether it
holds here, and exits with 1 if one does not. FILE is one that the test made in /tmp."""
import ctypes
import mmap
import os
import socket
import sys
import tempfile

libc = ctypes.CDLL(None, use_errno=True)
NEW_USER, NEW_MOUNT = 0x10000000, 0x00020000
READ_LOG = 3


def field(name):
    with open("/proc/self/status") as status:
        return next(line.split()[1] for line in status if line.startswith(name + ":"))


def fails(attempt):
    """Whether the system refuses this, in a process of its own: it may change what follows."""
    child = os.fork()
    if child == 0:
        try:
            attempt()
        except OSError:
            os._exit(1)
        os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 1


def call(function, *arguments):
    if function(*arguments) < 0:
        raise OSError(ctypes.get_errno(), "refused")


def set_user_bit():
    with tempfile.NamedTemporaryFile() as file:
        os.chmod(file.name, 0o4755)


CLAIMS = {
    "it is not root": lambda: os.getuid() != 0,
    "it has no capability": lambda: all(int(field(name), 16) == 0 for name in ("CapEff", "CapPrm", "CapBnd", "CapAmb")),
    "it gains no permissions": lambda: field("NoNewPrivs") == "1",
    "its system calls are filtered": lambda: field("Seccomp") == "2",
    "the system's files are read-only": lambda: all(os.statvfs(path).f_flag & os.ST_RDONLY for path in ("/usr", "/etc", "/var")),
    "home folders are closed": lambda: fails(lambda: os.listdir("/home")),
    "it has a /tmp of its own": lambda: not os.path.exists(sys.argv[1]),
    "it has no IP socket": lambda: fails(lambda: socket.socket(socket.AF_INET)),
    "no memory is written and executed": lambda: fails(
        lambda: mmap.mmap(-1, 4096, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC)),
    "it makes no namespace": lambda: fails(lambda: call(libc.unshare, NEW_USER)) and fails(lambda: call(libc.unshare, NEW_MOUNT)),
    "it sees no other user's process": lambda: not os.path.exists("/proc/1"),
    "it sees no tunables": lambda: not os.path.exists("/proc/sys"),
    "it does not read the kernel's log": lambda: fails(lambda: call(libc.klogctl, READ_LOG, ctypes.create_string_buffer(64), 64)),
    "it makes no privileged call": lambda: fails(lambda: os.chroot("/")),
    "it makes no file that runs as its owner": lambda: fails(set_user_bit),
    "its priority has a limit": lambda: fails(lambda: os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(61))),
}

broken = [claim for claim, holds in CLAIMS.items() if not holds()]
for claim in CLAIMS:
    print("broken:" if claim in broken else "holds:", claim)
print(f"{len(broken)} of {len(CLAIMS)} broken", flush=True)
sys.exit(1 if broken else 0)
