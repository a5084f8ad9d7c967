"""What a process gives up before it runs a student's code: its place, its rights, its room."""

import ctypes
import fcntl
import os
import resource

from .seccomp import refuse_needless_calls

MEGABYTE = 2**20
NAMESPACES = ("mnt", "net", "ipc", "uts", "pid", "cgroup")
# Address space beyond the memory: libraries map far more than they use, but not without end.
ROOM = 16 * 2**30
GET_OWNER, NEW_USER = 0xB701, 0x10000000
DROP_BOUND, SET_DUMPABLE, AMBIENT, CLEAR_ALL = 24, 4, 47, 4
CAPABILITIES_VERSION = 0x20080522


def enter(namespaces: dict[str, int]) -> None:
    """Go behind a wall that is there already.

    Parameters
    ----------
    namespaces : dict of str to int
        Open files of `/proc/PID/ns` of a process behind the wall. What this process starts from
        now on is behind the wall; it itself is too, but for its process number.

    Raises
    ------
    OSError
        If the kernel does not let it in.
    """
    libc = ctypes.CDLL(None, use_errno=True)

    def join(descriptor: int, kind: int = 0) -> None:
        if libc.setns(descriptor, kind):
            number = ctypes.get_errno()
            raise OSError(number, f"cannot enter the sandbox: {os.strerror(number)}")

    owner = None
    if os.getuid() != 0:
        # The namespaces belong to one of users; who enters that first has the right to the rest.
        owner = fcntl.ioctl(namespaces["mnt"], GET_OWNER)
        join(owner, NEW_USER)
    for name in NAMESPACES:
        join(namespaces[name])
    if owner is not None:
        if not os.path.samestat(os.fstat(owner), os.fstat(namespaces["user"])):
            join(namespaces["user"], NEW_USER)
        os.close(owner)
    for descriptor in namespaces.values():
        os.close(descriptor)
    os.chdir("/tmp")


def give_up_rights(
    memory: int, seconds: int, processes: int | None, uid: int | None, walled: bool
) -> None:
    """Take on limits, become another user if one is named, and give up every capability.

    Parameters
    ----------
    memory : int
        Bytes that one process may hold.
    seconds : int
        Processor time for one process.
    processes : int, optional
        Processes and threads at a time.
    uid : int, optional
        The user to become.
    walled : bool
        Whether there is a wall, behind which calls can be refused too.
    """
    limits = {
        "RLIMIT_CORE": 0,
        "RLIMIT_DATA": memory,
        "RLIMIT_AS": memory + ROOM,
        "RLIMIT_CPU": seconds,
        "RLIMIT_FSIZE": 32 * MEGABYTE,
        "RLIMIT_NOFILE": 256,
        "RLIMIT_NPROC": processes,
        "RLIMIT_SIGPENDING": 1024,
        "RLIMIT_MSGQUEUE": 0,
    }
    for name, most in limits.items():
        if most is not None and hasattr(resource, name):
            kind = getattr(resource, name)
            hard = resource.getrlimit(kind)[1]
            most = most if hard == resource.RLIM_INFINITY else min(most, hard)
            resource.setrlimit(kind, (most, most))
    if walled:
        drop_capabilities(uid)
        refuse_needless_calls()


def drop_capabilities(uid: int | None = None) -> None:
    """Give up every capability, and the way to gain one.

    Parameters
    ----------
    uid : int, optional
        The user to become.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    libc.prctl(AMBIENT, CLEAR_ALL, 0, 0, 0)
    number = 0
    while libc.prctl(DROP_BOUND, number, 0, 0, 0) == 0:
        number += 1
    if uid is not None:
        os.setgroups([])
        os.setresgid(uid, uid, uid)
        os.setresuid(uid, uid, uid)
    header, nothing = (ctypes.c_uint32 * 2)(CAPABILITIES_VERSION, 0), (ctypes.c_uint32 * 6)()
    if libc.capset(header, nothing):
        raise OSError(ctypes.get_errno(), "the capabilities could not be given up")
    libc.prctl(SET_DUMPABLE, 1, 0, 0, 0)  # so that the watch may look at it from outside
