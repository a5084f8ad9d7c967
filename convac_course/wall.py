"""A wall around a student's code: a place with nothing in it but Python and the library.

The wall is bubblewrap's: its own processes, no network, a file system that is read-only but for
two small folders in memory. A fork of a template goes behind it before it runs a cell. The
readers' checks, which know how to find an answer, are not there.
"""

import json
import os
import re
import shutil
import site
import subprocess
import sys
import tempfile

from .rights import MEGABYTE, NAMESPACES
from .template import packages

OLDEST = (0, 8)  # of bubblewrap: the first that can forbid further user namespaces
SEEN = ("/usr", "/lib", "/lib64", "/bin", "/etc/ld.so.cache", "/etc/fonts", "/etc/alternatives")
DEVICES = ("null", "random", "urandom")  # and no /dev/zero, whose shared pages nobody counts
FOLDERS = {"/tmp": 256 * MEGABYTE, "/dev/shm": 64 * MEGABYTE}
HOLD = ("/bin/sh", "-c", "echo; exec cat")


class Wall:
    """An empty place behind a wall, kept open by a process that does nothing.

    Raises
    ------
    OSError
        If bubblewrap cannot make it.
    """

    def __init__(self) -> None:
        told, tell = os.pipe()
        with tempfile.TemporaryFile() as said:
            self.process = subprocess.Popen(
                [*command(), "--info-fd", str(tell), *HOLD],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=said,
                env={"PATH": "/usr/bin:/bin"},
                pass_fds=[tell],
            )
            os.close(tell)
            with os.fdopen(told, "rb") as info:
                about = info.read()
            if not self.process.stdout.readline():  # type: ignore[union-attr]
                code = self.process.wait()
                said.seek(0)
                raise OSError(said.read().decode().strip() or f"exit status {code}")
        inside = json.loads(about)["child-pid"]
        self.namespaces = {
            name: os.open(f"/proc/{inside}/ns/{name}", os.O_RDONLY | os.O_CLOEXEC)
            for name in (*NAMESPACES, "user")
        }
        self.folders = [
            os.open(f"/proc/{inside}/root{folder}", os.O_PATH | os.O_DIRECTORY)
            for folder in FOLDERS
        ]

    def held(self) -> tuple[int, int]:
        """Return the bytes and the files that the folders in memory hold."""
        about = [os.fstatvfs(folder) for folder in self.folders]
        size = sum((one.f_blocks - one.f_bfree) * one.f_frsize for one in about)
        return size, sum(one.f_files - one.f_ffree for one in about)

    def close(self) -> None:
        """End everything behind the wall."""
        self.process.kill()
        self.process.wait()
        for stream in (self.process.stdin, self.process.stdout):
            stream.close()  # type: ignore[union-attr]
        for descriptor in (*self.namespaces.values(), *self.folders):
            os.close(descriptor)
        self.namespaces, self.folders = {}, []


def command() -> list[str]:
    """Return the bubblewrap command that makes the wall."""
    words = [shutil.which("bwrap") or "bwrap", "--die-with-parent", "--new-session"]
    words += ["--unshare-pid", "--unshare-net", "--unshare-ipc", "--unshare-uts"]
    words += ["--unshare-cgroup-try", "--hostname", "sandbox"]
    if os.getuid() == 0:
        # Root hides nothing from itself, so the runner becomes another user; see `rights`.
        words += ["--cap-drop", "ALL"]
    else:
        words += ["--unshare-user", "--disable-userns"]
    words += ["--proc", "/proc", "--tmpfs", "/dev"]
    for device in DEVICES:
        words += ["--dev-bind", f"/dev/{device}", f"/dev/{device}"]
    for name, target in {"fd": "", "stdin": "/0", "stdout": "/1", "stderr": "/2"}.items():
        words += ["--symlink", f"/proc/self/fd{target}", f"/dev/{name}"]
    for folder, size in FOLDERS.items():
        words += ["--perms", "1777", "--size", str(size), "--tmpfs", folder]
    for place in _seen():
        # bubblewrap would make the folders above it readable for root alone.
        for above in reversed(_above(place)):
            words += ["--dir", above]
        words += ["--ro-bind-try", place, place]
    for folder in packages():
        if os.path.isdir(checks := os.path.join(folder, "checks")):
            words += ["--tmpfs", checks, "--remount-ro", checks]
    return [*words, "--remount-ro", "/dev", "--remount-ro", "/", "--chdir", "/tmp"]


def _seen() -> list[str]:
    """Return what is seen behind the wall: not the course, not the book, not anyone's files."""
    user = [site.getusersitepackages()] if site.ENABLE_USER_SITE else []
    return [*SEEN, sys.base_prefix, sys.prefix, *user, *packages()]


def _above(place: str) -> list[str]:
    """Return the folders above one, the nearest first, without the root."""
    parents = []
    while (place := os.path.dirname(place)) not in ("/", ""):
        parents.append(place)
    return parents


def missing_for_a_wall() -> str | None:
    """Return what keeps this machine from making a wall, or None if nothing does."""
    if sys.platform != "linux":
        return "a sandbox needs Linux and bubblewrap; on this system, grade in a Linux container"
    if not shutil.which("bwrap"):
        return "bubblewrap was not found; install it (Debian, Ubuntu: sudo apt install bubblewrap)"
    version = subprocess.run(["bwrap", "--version"], capture_output=True, text=True).stdout
    found = tuple(int(number) for number in re.findall(r"\d+", version)[:2])
    if found < OLDEST:
        return f"bubblewrap {OLDEST[0]}.{OLDEST[1]} or newer is needed, found {version.strip()!r}"
    try:
        Wall().close()
    except (OSError, ValueError) as error:
        return (
            f"bubblewrap cannot make a sandbox here ({error}). It needs user namespaces: see "
            "kernel.unprivileged_userns_clone and kernel.apparmor_restrict_unprivileged_userns, "
            "or a container started with the right to make them"
        )
    return None
