"""The system calls that fail, and the errors that the manual pages document for them and that no mistake of the
caller's explains.

Left out, with the reason:
- close: the kernel closes whatever it answers; answered here, nothing would be closed.
- brk, mprotect, and mmap of plain memory: the allocator's. Swift ends a program that gets no memory.
- munmap: the C library ends a program whose stack it cannot give back.
- futex but for the interrupt lock's calls: the C library ends a program whose mutex the kernel refuses.
- EINTR of connect: the kernel goes on connecting; answered here, nothing would connect.
- EAGAIN of read, recv and accept on what is ready: the kernel never says that, and both ends would wait for each
  other.
- ENOENT of getdents64: the folder has been removed, and so is empty; the C library says so.
- write to an eventfd: the kernel refuses only what the counter has no room for.
- ENOMEM of the interrupt lock's call: the C library's mutexes make the same call, and end the program.
"""
import os

MAP_SHARED, MAP_STACK, MAP_HUGETLB, MAP_ANONYMOUS = 0x01, 0x20000, 0x40000, 0x20
F_DUPFD_CLOEXEC, F_ADD_SEALS, F_SETFL = 1030, 1033, 4
PAGE = os.sysconf("SC_PAGESIZE")


class Call:
    """A kind of call: a name of the kernel's, its errors, and which arguments make it this kind."""

    def __init__(self, call, errors, matches=lambda process, arguments: True):
        self.call, self.errors, self.matches = call, errors.split(), matches


def of_product(process, arguments):
    """An mmap that is not the allocator's."""
    length, flags = arguments[1], arguments[3]
    return bool(flags & (MAP_SHARED | MAP_STACK | MAP_HUGETLB)) or (flags & MAP_ANONYMOUS and length == PAGE)


def not_eventfd(process, arguments):
    try:
        return os.readlink(f"/proc/{process}/fd/{arguments[0]}") != "anon_inode:[eventfd]"
    except FileNotFoundError:
        return True


def fcntl_of(command):
    return lambda process, arguments: arguments[1] & 0xFFFFFFFF == command


def futex_of(*operations):
    return lambda process, arguments: arguments[1] & 127 in operations


LIMITS = "EMFILE ENFILE ENOMEM"
CALLS = {
    "openat": Call("openat", LIMITS + " EACCES EIO EINTR ENOSPC EROFS ENODEV"),
    "read": Call("read", "EIO EINTR"),
    "pread64": Call("pread64", "EIO EINTR"),
    "preadv2": Call("preadv2", "EIO EINTR EOPNOTSUPP ENOSYS"),
    "write": Call("write", "EIO EINTR ENOSPC EDQUOT", not_eventfd),
    "readlink": Call("readlink", "EACCES EIO ENOMEM"),
    "newfstatat": Call("newfstatat", "EACCES EIO ENOMEM"),
    "getdents64": Call("getdents64", "EIO ENOMEM"),
    "fsync": Call("fsync", "EIO ENOSPC EDQUOT"),
    "ftruncate": Call("ftruncate", "EINTR EIO ENOSPC EFBIG"),
    "fchmod": Call("fchmod", "EPERM EIO EROFS"),
    "chmod": Call("chmod", "EPERM EIO EROFS"),
    "chown": Call("chown", "EPERM EIO EROFS"),
    "rename": Call("rename", "EACCES EIO ENOSPC EROFS"),
    "unlink": Call("unlink", "EACCES EBUSY EIO EROFS"),
    "mkdir": Call("mkdir", "EACCES ENOSPC EROFS EMLINK"),
    "fcntl-dup": Call("fcntl", "EMFILE ENFILE", fcntl_of(F_DUPFD_CLOEXEC)),
    "fcntl-seal": Call("fcntl", "EPERM EBUSY", fcntl_of(F_ADD_SEALS)),
    "fcntl-flags": Call("fcntl", "EPERM", fcntl_of(F_SETFL)),
    "eventfd2": Call("eventfd2", LIMITS + " ENODEV"),
    "timerfd_create": Call("timerfd_create", LIMITS + " ENODEV"),
    "timerfd_settime": Call("timerfd_settime", "ECANCELED"),
    "signalfd4": Call("signalfd4", LIMITS + " ENODEV"),
    "memfd_create": Call("memfd_create", LIMITS),
    "epoll_create1": Call("epoll_create1", LIMITS),
    "epoll_ctl": Call("epoll_ctl", "ENOMEM ENOSPC"),
    "epoll_wait": Call("epoll_wait", "EINTR"),
    "poll": Call("poll", "EINTR ENOMEM"),
    "ppoll": Call("ppoll", "EINTR ENOMEM"),
    "socket": Call("socket", LIMITS + " EACCES ENOBUFS"),
    "socketpair": Call("socketpair", LIMITS + " ENOBUFS"),
    "bind": Call("bind", "EACCES EADDRINUSE ENOMEM EROFS"),
    "listen": Call("listen", "EADDRINUSE"),
    "accept4": Call("accept4", LIMITS + " ECONNABORTED EINTR ENOBUFS EPERM"),
    "connect": Call("connect", "EACCES EAGAIN ECONNREFUSED"),
    "getsockname": Call("getsockname", "ENOBUFS"),
    "getsockopt": Call("getsockopt", "ENOMEM ENOBUFS"),
    "setsockopt": Call("setsockopt", "ENOMEM ENOBUFS ENOPROTOOPT"),
    "recvmsg": Call("recvmsg", "ECONNRESET EINTR ENOMEM ENOBUFS"),
    "recvfrom": Call("recvfrom", "ECONNRESET EINTR ENOMEM"),
    "sendmsg": Call("sendmsg", "EAGAIN ECONNRESET EINTR ENOBUFS ENOMEM EPIPE ETOOMANYREFS"),
    "sendto": Call("sendto", "EAGAIN ECONNRESET EINTR ENOBUFS ENOMEM EPIPE"),
    "shutdown": Call("shutdown", "ENOBUFS ENOTCONN"),
    "mmap": Call("mmap", "ENOMEM EAGAIN ENFILE", of_product),
    "madvise": Call("madvise", "EAGAIN ENOMEM"),
    "futex-lock": Call("futex", "EAGAIN", futex_of(6, 13)),
    "clone3": Call("clone3", "EAGAIN ENOMEM EPERM"),
    "prctl": Call("prctl", "EPERM EINVAL"),
    "sched_setaffinity": Call("sched_setaffinity", "EPERM EINVAL"),
    "sched_setscheduler": Call("sched_setscheduler", "EPERM"),
    "prlimit64": Call("prlimit64", "EPERM"),
    "pidfd_open": Call("pidfd_open", LIMITS + " ENODEV"),
}
# Of each kind, so many calls from the beginning of what is tried fail, one at a time.
OCCURRENCES = 20
