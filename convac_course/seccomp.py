"""System calls that a student's code has no use for, refused by the kernel.

Memory that no process shows as its own (memfd, System V shared memory, shared pages without a
file, pages given to a pipe, locks and watches without end) would escape the watch, and new
namespaces would bring new file systems without a limit on their size. Sockets other than those
between processes of this machine, tracing, key rings, io_uring and BPF are not needed by any
exercise either.
"""

import ctypes
import errno
import platform
import struct

# numbers on (x86_64, aarch64); None where a machine has no such call
REFUSED: dict[str, tuple[int | None, int | None]] = {
    "memfd_create": (319, 279), "memfd_secret": (447, 447), "shmget": (29, 194),
    "msgget": (68, 186), "semget": (64, 190), "mq_open": (240, 180), "unshare": (272, 97),
    "setns": (308, 268), "mount": (165, 40), "umount2": (166, 39), "pivot_root": (155, 41),
    "open_tree": (428, 428), "move_mount": (429, 429), "fsopen": (430, 430),
    "fsmount": (432, 432), "mount_setattr": (442, 442), "open_by_handle_at": (304, 265),
    "io_uring_setup": (425, 425), "io_uring_enter": (426, 426), "io_uring_register": (427, 427),
    "add_key": (248, 217), "request_key": (249, 218), "keyctl": (250, 219), "bpf": (321, 280),
    "perf_event_open": (298, 241), "userfaultfd": (323, 282), "ptrace": (101, 117),
    "process_vm_readv": (310, 270), "process_vm_writev": (311, 271), "pidfd_getfd": (438, 438),
    "splice": (275, 76), "tee": (276, 77), "vmsplice": (278, 75),
    "inotify_init": (253, None), "inotify_init1": (294, 26), "fanotify_init": (300, 262),
    "kcmp": (312, 272), "quotactl": (179, 60), "swapon": (167, 224), "acct": (163, 89),
}  # fmt: skip
CLONE, CLONE3, SOCKET, MMAP, FCNTL = (56, 220), (435, 435), (41, 198), (9, 222), (72, 25)
SOCKETPAIR = (53, 199)
MACHINES = {"x86_64": (0, 0xC000003E), "aarch64": (1, 0xC00000B7)}
NEW_NAMESPACES = 0x7E020080
SHARED_WITHOUT_A_FILE, HUGE_PAGES = 0x21, 0x40000
LOCKS = (6, 7, 37, 38)  # of parts of files: F_SETLK, F_SETLKW and their newer kind
LOCAL_SOCKETS = 1
LOAD, AND, IF_EQUAL, IF_AT_LEAST, IF_ANY_BIT, RETURN = 0x20, 0x54, 0x15, 0x35, 0x45, 0x06
ALLOW, REFUSE = 0x7FFF0000, 0x00050000
EPERM = REFUSE | errno.EPERM
Line = tuple[int, int, int, int]


def refuse_needless_calls() -> None:
    """Set the filter for this process and all it starts; other machines go without."""
    if platform.machine() not in MACHINES:
        return
    code = b"".join(struct.pack("HBBI", *line) for line in program(*MACHINES[platform.machine()]))
    buffer = ctypes.create_string_buffer(code)
    header = struct.pack("HxxxxxxP", len(code) // 8, ctypes.addressof(buffer))
    prctl = ctypes.CDLL(None, use_errno=True).prctl
    prctl.argtypes = [ctypes.c_int, ctypes.c_ulong, ctypes.c_char_p, ctypes.c_ulong, ctypes.c_ulong]
    no_new_rights, filter_calls, filter_mode = 38, 22, 2
    prctl(no_new_rights, 1, None, 0, 0)
    if prctl(filter_calls, filter_mode, header, 0, 0):
        raise OSError(ctypes.get_errno(), "the filter of system calls was not accepted")


def program(column: int, machine: int) -> list[Line]:
    """Return the filter as BPF instructions (code, jump if true, jump if false, operand)."""
    lines: list[Line] = [
        (LOAD, 0, 0, 4), (IF_EQUAL, 1, 0, machine), (RETURN, 0, 0, EPERM),
        (LOAD, 0, 0, 0), (IF_AT_LEAST, 0, 1, 0x40000000), (RETURN, 0, 0, EPERM),
        # clone3 passes its flags where a filter cannot read; without it, clone is used.
        (IF_EQUAL, 0, 1, CLONE3[column]), (RETURN, 0, 0, REFUSE | errno.ENOSYS),
    ]  # fmt: skip
    for numbers in REFUSED.values():
        number = numbers[column]
        if number is not None:
            lines += [(IF_EQUAL, 0, 1, number), (RETURN, 0, 0, EPERM)]
    lines += _when(CLONE[column], 0, [(IF_ANY_BIT, 0, 1, NEW_NAMESPACES), (RETURN, 0, 0, EPERM)])
    no_such_family = (RETURN, 0, 0, REFUSE | errno.EAFNOSUPPORT)
    for call in (SOCKET, SOCKETPAIR):
        lines += _when(call[column], 0, [(IF_EQUAL, 1, 0, LOCAL_SOCKETS), no_such_family])
    lines += _when(MMAP[column], 3, [
        (IF_ANY_BIT, 0, 1, HUGE_PAGES), (RETURN, 0, 0, EPERM),
        (AND, 0, 0, SHARED_WITHOUT_A_FILE),
        (IF_EQUAL, 0, 1, SHARED_WITHOUT_A_FILE), (RETURN, 0, 0, EPERM),
    ])  # fmt: skip
    no_lock = (RETURN, 0, 0, REFUSE | errno.ENOLCK)
    tests: list[Line] = [part for kind in LOCKS for part in ((IF_EQUAL, 0, 1, kind), no_lock)]
    lines += _when(FCNTL[column], 1, tests)
    return [*lines, (RETURN, 0, 0, ALLOW)]


def _when(call: int, argument: int, tests: list[Line]) -> list[Line]:
    """Return tests on one argument of one call; what they do not refuse is allowed.

    The number of the call must be loaded, and is loaded after it for all other calls.
    """
    body = [(LOAD, 0, 0, 16 + 8 * argument), *tests, (RETURN, 0, 0, ALLOW)]
    return [(IF_EQUAL, 0, len(body), call), *body]
