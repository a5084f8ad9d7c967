"""How much a submission uses: counted by the kernel where it does, else summed up honestly.

A control group (version 2) that we may make counts every page and every process in it. Where
there is none, the sum is taken over all processes of the submission: their pages, with shared
ones shared out among them, their page tables, what the folders in memory hold, and what the
kernel keeps for files and sockets.
"""

import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

GROUPS = Path("/sys/fs/cgroup")
# What the kernel keeps for a file in memory, and at most for a socket.
A_FILE, A_SOCKET = 1024, 2 * 212_992


@dataclass
class Usage:
    """How many processes and threads there are, their bytes, their processor seconds."""

    processes: int = 0
    memory: int = 0
    seconds: float = 0.0


class Holder(Protocol):
    """Something that holds files in memory: a wall."""

    def held(self) -> tuple[int, int]:
        """Return the bytes and the files that it holds."""


class ControlGroup:
    """A group of processes whose memory the kernel counts and limits.

    Parameters
    ----------
    home : Path
        A control group in which groups with a memory limit can be made.
    memory, processes : int
        The limits.

    Raises
    ------
    OSError
        If it cannot be made.
    """

    made = 0

    def __init__(self, home: Path, memory: int, processes: int) -> None:
        ControlGroup.made += 1
        self.folder = home / f"convac-{os.getpid()}-{ControlGroup.made}"
        self.folder.mkdir()
        try:
            self._set("memory.max", memory)
            for name, value in (("memory.swap.max", 0), ("memory.oom.group", 1),
                                ("pids.max", processes)):  # fmt: skip
                if (self.folder / name).exists():
                    self._set(name, value)
        except OSError:
            self.folder.rmdir()
            raise

    def _set(self, name: str, value: int) -> None:
        (self.folder / name).write_text(str(value))

    def entrance(self) -> int:
        """Return an open file; a process that writes 0 to it joins the group."""
        return os.open(self.folder / "cgroup.procs", os.O_WRONLY)

    def overrun(self) -> bool:
        """Tell whether the kernel ended a process because the limit was reached."""
        try:
            text = (self.folder / "memory.events").read_text()
        except OSError:
            return False
        counts = dict(line.split() for line in text.splitlines() if len(line.split()) == 2)
        return int(counts.get("oom_kill", 0)) > 0

    def close(self) -> None:
        """Remove the group; its processes must have ended, or are about to."""
        try:
            (self.folder / "cgroup.kill").write_text("1")
        except OSError:
            pass
        try:
            self.folder.rmdir()
        except OSError:
            pass  # a process is still on its way out; an empty folder without limits is no harm


def place_for_groups(groups: Path = GROUPS, about: str = "/proc/self/cgroup") -> Path | None:
    """Return a control group of ours in which others can be made, or None if there is none.

    Parameters
    ----------
    groups : Path
        Where control groups of version 2 are mounted.
    about : str
        The file that says which one this process is in.
    """
    try:
        lines = Path(about).read_text().splitlines()
        own = next(line[3:].lstrip("/") for line in lines if line.startswith("0::"))
    except (OSError, StopIteration):
        return None
    place = groups / own
    while place == groups or groups in place.parents:
        if _can_hold_groups(place):
            return place
        place = place.parent
    return None


def _can_hold_groups(place: Path) -> bool:
    """Tell whether groups with a memory limit can be made in a group."""
    try:
        controllers = (place / "cgroup.subtree_control").read_text().split()
    except OSError:
        return False
    writable = all(os.access(path, os.W_OK) for path in (place, place / "cgroup.procs"))
    return "memory" in controllers and writable


def usage_of(roots: Iterable[int], limit: int, holder: Holder | None = None) -> Usage:
    """Return what some processes and all their descendants use.

    Parameters
    ----------
    roots : iterable of int
        Process numbers.
    limit : int
        The bytes above which pages that several processes share are shared out among them.
    holder : Holder, optional
        Whose files in memory are counted too.
    """
    usage, family, resident = Usage(), [], 0
    table = _all_processes()
    for process in _descendants(roots, table):
        _, seconds, threads, pages = table[process]
        usage.processes += threads
        usage.seconds += seconds
        resident += pages * _PAGE
        family.append(process)
    extra = sum(_page_tables(process) for process in family)
    if holder is not None and family:
        size, files = holder.held()
        extra += size + A_FILE * files + A_SOCKET * _sockets(family[-1])
    if resident + extra > limit:
        resident = sum(_own_share(process) for process in family)
    usage.memory = resident + extra
    return usage


_PAGE = os.sysconf("SC_PAGE_SIZE")
_TICKS = os.sysconf("SC_CLK_TCK")
Table = dict[int, tuple[int, float, int, int]]


def _all_processes() -> Table:
    """Return parent, seconds, threads and resident pages of every process, by its number."""
    table: Table = {}
    for entry in os.listdir("/proc") if os.path.exists("/proc/self/stat") else []:
        if entry.isdigit():
            try:
                with open(f"/proc/{entry}/stat", "rb") as file:
                    fields = file.read().rpartition(b")")[2].split()
            except OSError:
                continue
            seconds = sum(int(field) for field in fields[11:15]) / _TICKS
            table[int(entry)] = (int(fields[1]), seconds, int(fields[17]), int(fields[21]))
    return table


def _descendants(roots: Iterable[int], table: Table) -> list[int]:
    """Return some processes and all that descend from them."""
    children: dict[int, list[int]] = {}
    for process, (parent, *_) in table.items():
        children.setdefault(parent, []).append(process)
    found, waiting = [], [root for root in roots if root in table]
    while waiting:
        found.append(waiting.pop())
        waiting += children.get(found[-1], [])
    return found


def _page_tables(process: int) -> int:
    """Return the bytes of a process's page tables; pages never touched for good fill them too."""
    return 1024 * _number_in(f"/proc/{process}/status", "VmPTE:")


def _own_share(process: int) -> int:
    """Return the bytes of a process, a page that n processes share counted as an n-th."""
    share = _number_in(f"/proc/{process}/smaps_rollup", "Pss:")
    return 1024 * (share or _number_in(f"/proc/{process}/status", "VmRSS:"))


def _sockets(process: int) -> int:
    """Return how many sockets there are in the network that a process is in."""
    return _number_in(f"/proc/{process}/net/sockstat", "sockets:")


def _number_in(path: str, key: str) -> int:
    """Return the first number of a line that starts with a key, or 0."""
    try:
        with open(path) as file:
            for line in file:
                if line.startswith(key):
                    return next((int(w) for w in line.split() if w.isdigit()), 0)
    except OSError:
        pass
    return 0
