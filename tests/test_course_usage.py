"""What a submission uses is counted whole, and what cannot be counted is refused."""

import os
import signal
import socket
import subprocess
import sys
import time

import pytest
from course_runs import MISSING

from convac_course import seccomp, usage
from convac_course.answering import Stopped
from convac_course.sandbox import Limits, Sandbox, students
from convac_course.usage import ControlGroup, place_for_groups, usage_of
from convac_course.wall import FOLDERS, Wall, command

MEGABYTE = 2**20
walled = pytest.mark.skipif(MISSING is not None, reason=f"no sandbox here: {MISSING}")
linux = pytest.mark.skipif(sys.platform != "linux", reason="counts what Linux tells")


def mounted(folder, own="/a/b", controllers=("", "cpu memory pids", "")):
    """Make a folder like a control group file system: the root, `a`, and `a/b`."""
    places = [folder, folder / "a", folder / "a" / "b"]
    for place, text in zip(places, controllers, strict=True):
        place.mkdir(exist_ok=True)
        (place / "cgroup.subtree_control").write_text(text)
        (place / "cgroup.procs").write_text("")
    (folder / "about").write_text(f"4:memory:/x\n0::{own}\n")
    return folder / "about"


@linux
@pytest.mark.parametrize(
    "controllers, expected",
    [
        (("", "cpu memory pids", ""), "a"),
        (("memory", "memory", "memory"), "a/b"),
        (("memory", "cpu", ""), "."),
        (("cpu", "cpu", "cpu"), None),
    ],
)
def test_a_control_group_is_made_where_memory_is_counted(tmp_path, controllers, expected):
    about = mounted(tmp_path, controllers=controllers)
    found = place_for_groups(tmp_path, str(about))
    assert found == (None if expected is None else tmp_path / expected)


def test_without_control_groups_of_version_2_there_is_none(tmp_path):
    (tmp_path / "about").write_text("9:memory:/x\n")
    assert place_for_groups(tmp_path, str(tmp_path / "about")) is None
    assert place_for_groups(tmp_path, str(tmp_path / "nowhere")) is None


@pytest.mark.skipif(os.getuid() == 0, reason="root may write everywhere")
def test_a_control_group_of_others_is_left_alone(tmp_path):
    about = mounted(tmp_path)
    (tmp_path / "a").chmod(0o555)
    assert place_for_groups(tmp_path, str(about)) is None


def test_a_control_group_sets_limits_and_tells_when_they_were_reached(tmp_path, monkeypatch):
    made = []

    def mkdir(self, *arguments, **keywords):
        os.mkdir(self)
        if self.name.startswith("convac-"):
            made.append(self)
            for name in ("memory.max", "memory.swap.max", "memory.oom.group", "pids.max",
                         "cgroup.procs", "cgroup.kill"):  # fmt: skip
                (self / name).write_text("")

    monkeypatch.setattr(usage.Path, "mkdir", mkdir)
    group = ControlGroup(tmp_path, 600 * MEGABYTE, 24)
    (folder,) = made
    assert (folder / "memory.max").read_text() == str(600 * MEGABYTE)
    assert (folder / "memory.swap.max").read_text() == "0"
    assert (folder / "pids.max").read_text() == "24"
    assert not group.overrun()
    (folder / "memory.events").write_text("low 0\nmax 12\noom 1\noom_kill 1\n")
    assert group.overrun()
    entrance = group.entrance()
    os.write(entrance, b"0")
    os.close(entrance)
    assert (folder / "cgroup.procs").read_text() == "0"
    group.close()
    assert (folder / "cgroup.kill").read_text() == "1"


def test_a_group_that_takes_no_limit_is_not_used(tmp_path, monkeypatch):
    def refused(self, name, value):
        raise OSError("no")

    monkeypatch.setattr(ControlGroup, "_set", refused)
    with pytest.raises(OSError):
        ControlGroup(tmp_path, 1, 1)
    assert list(tmp_path.iterdir()) == []


def child(code):
    """Start a Python that runs some code, says so, and waits."""
    process = subprocess.Popen(
        [sys.executable, "-c", f"{code}\nprint(flush=True)\ninput()"],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True,
    )  # fmt: skip
    process.stdout.readline()
    return process


@linux
def test_all_descendants_are_counted_and_shared_pages_once():
    hold = f"hog = bytearray(b'x' * {200 * MEGABYTE})"
    fork = (
        "import os, time\nif not any(os.fork() == 0 for _ in range(3)): pass\nelse: time.sleep(99)"
    )
    process = child(f"{hold}\n{fork}")
    try:
        whole = usage_of([process.pid], limit=10**12)
        fair = usage_of([process.pid], limit=1)
        assert whole.processes == fair.processes == 4
        # Three forks share the pages of the first: each shows them all, together they hold one.
        assert whole.memory > 750 * MEGABYTE
        assert 190 * MEGABYTE < fair.memory < 300 * MEGABYTE
        assert usage_of([2**22 + 1], 1).processes == 0
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


@linux
def test_page_tables_are_counted():
    code = (
        "import mmap\narea = mmap.mmap(-1, 2**36, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS |"
        " 0x4000, prot=mmap.PROT_READ)\nfor k in range(0, 2**36, 2**21): area[k]"
    )
    process = child(code)
    try:
        assert usage_of([process.pid], 10**12).memory > 2**36 // 2**21 * 4096
    finally:
        process.kill()
        process.wait()


@walled
def test_a_wall_tells_what_its_folders_hold():
    wall = Wall()
    try:
        size, files = wall.held()
        assert size == 0 and len(FOLDERS) <= files < 20
    finally:
        wall.close()
    assert wall.process.poll() is not None and wall.folders == []


@walled
def test_files_in_memory_and_sockets_count_for_the_submission():
    with students([]) as template:
        sandbox = Sandbox(template, Limits(memory=2000))
        roots = [sandbox.porter, sandbox.wall.process.pid]
        before = usage_of(roots, 10**12, sandbox.wall).memory
        code = (
            "import os, socket\nopen('/tmp/x', 'wb').write(bytes(30 * 2**20))\n"
            "for n in range(20_000): os.symlink('x', f'/dev/shm/{n}')\n"
            "pairs = [socket.socketpair() for n in range(50)]"
        )
        assert sandbox.run(code) is None
        more = usage_of(roots, 10**12, sandbox.wall).memory - before
        sandbox.close()
    counted = 30 * MEGABYTE + 20_000 * usage.A_FILE + 100 * usage.A_SOCKET
    assert 0.9 * counted < more < 1.3 * counted


@walled
def test_a_submission_has_no_rights_and_no_way_to_more():
    with students([]) as template:
        sandbox = Sandbox(template, Limits())
        code = (
            "import os\nstatus = dict(line.split(':', 1) for line in open('/proc/self/status'))\n"
            "rights = [int(status[k], 16) for k in status if k.startswith('Cap')]\n"
            "alone, fresh = status['NoNewPrivs'].strip(), status['Seccomp'].strip()\n"
            "opened = sorted(os.listdir('/dev')), sorted(os.listdir('/'))\n"
            "files = [os.readlink(f'/proc/self/fd/{n}') for n in os.listdir('/proc/self/fd')\n"
            "         if os.path.exists(f'/proc/self/fd/{n}')]\n"
            "program, home = os.readlink('/proc/self/exe'), os.environ['HOME']\n"
            "mine = os.getuid(), os.getgid(), os.getgroups()"
        )
        assert sandbox.run(code) is None
        names = ("rights", "alone", "fresh", "opened", "files", "program", "home", "mine")
        values, refused = sandbox.fetch(names).read()
        sandbox.close()
    assert refused == {} and values["rights"] == [0] * 5
    assert (values["alone"], values["fresh"], values["home"]) == ("1", "2", "/tmp")
    devices, root = values["opened"]
    assert devices == ["fd", "null", "random", "shm", "stderr", "stdin", "stdout", "urandom"]
    assert not {"home", "var", "mnt", "opt", "srv", "boot", "sys"} & set(root)
    assert all(name.startswith(("pipe:", "/dev/null", "/proc/")) for name in values["files"])
    assert "memfd" in values["program"] and 0 not in values["mine"][:2]


@walled
def test_every_call_that_is_refused_is_refused_by_the_kernel():
    column, _ = seccomp.MACHINES.get(os.uname().machine, (None, None))
    if column is None:
        pytest.skip("this machine goes without a filter")
    numbers = {n: row[column] for n, row in seccomp.REFUSED.items() if row[column] is not None}
    code = (
        "import ctypes\nlibc = ctypes.CDLL(None, use_errno=True)\n"
        f"refused = {{}}\nfor name, number in {numbers}.items():\n"
        "    ctypes.set_errno(0)\n"
        "    refused[name] = libc.syscall(number, -1, -1, -1, -1, -1, -1), ctypes.get_errno()"
    )
    with students([]) as template:
        sandbox = Sandbox(template, Limits())
        assert sandbox.run(code) is None
        (refused,) = sandbox.fetch(["refused"]).read()[0].values()
        sandbox.close()
    assert {name: errno for name, (_, errno) in refused.items()} == dict.fromkeys(numbers, 1)


@walled
def test_only_sockets_of_this_machine_can_be_made():
    families = sorted({int(f) for f in socket.AddressFamily} | {1, 40, 38, 16, 17, 31, 44})
    code = (
        "import ctypes\nlibc = ctypes.CDLL(None, use_errno=True)\n"
        f"made = [f for f in {families} for kind in (1, 2, 3, 5) if libc.socket(f, kind, 0) >= 0]\n"
        f"paired = [f for f in {families} if libc.socketpair(f, 1, 0, (ctypes.c_int * 2)()) >= 0]"
    )
    with students([]) as template:
        sandbox = Sandbox(template, Limits())
        assert sandbox.run(code) is None
        values, _ = sandbox.fetch(["made", "paired"]).read()
        sandbox.close()
    assert set(values["made"]) == set(values["paired"]) == {1}


def test_the_filter_is_whole_on_each_machine():
    """Every jump lands inside the filter, and every way through it ends."""
    for column, machine in seccomp.MACHINES.values():
        lines = seccomp.program(column, machine)
        for place, (code, yes, no, _) in enumerate(lines):
            if code != seccomp.RETURN:
                jumps = (yes, no) if code & 7 == 5 else (0,)
                assert all(place + 1 + jump < len(lines) for jump in jumps)
        assert lines[-1] == (seccomp.RETURN, 0, 0, seccomp.ALLOW)
        assert len(lines) < 4096


def verdict(lines, call, *arguments, machine=0xC000003E):
    """Run the filter as the kernel does and return its answer."""
    words = {0: call, 4: machine}
    for number, value in enumerate(arguments):
        words[16 + 8 * number] = value & 0xFFFFFFFF
    place, held = 0, 0
    while True:
        code, yes, no, operand = lines[place]
        place += 1
        if code == seccomp.LOAD:
            held = words.get(operand, 0)
        elif code == seccomp.AND:
            held &= operand
        elif code == seccomp.RETURN:
            return operand
        else:
            met = {seccomp.IF_EQUAL: held == operand, seccomp.IF_AT_LEAST: held >= operand,
                   seccomp.IF_ANY_BIT: bool(held & operand)}[code]  # fmt: skip
            place += yes if met else no


@pytest.mark.parametrize(
    "call, arguments, allowed",
    [
        (41, (1, 1, 0), True), (41, (2, 1, 0), False), (41, (40, 1, 0), False),
        (53, (1, 1, 0), True), (53, (16, 1, 0), False),
        (9, (0, 4096, 3, 0x22), True), (9, (0, 4096, 3, 0x21), False),
        (9, (0, 4096, 3, 0x01), True), (9, (0, 4096, 3, 0x40022), False),
        (72, (3, 1), True), (72, (3, 6), False), (72, (3, 37), False),
        (56, (0x11,), True), (56, (0x10000000,), False), (56, (0x20000,), False),
        (435, (), False), (319, (), False), (0, (), True), (0x40000000 + 41, (1,), False),
    ],
)  # fmt: skip
def test_the_filter_says_yes_and_no(call, arguments, allowed):
    lines = seccomp.program(*seccomp.MACHINES["x86_64"])
    assert (verdict(lines, call, *arguments) == seccomp.ALLOW) == allowed
    assert verdict(lines, call, *arguments, machine=0x40000003) != seccomp.ALLOW


@walled
def test_a_sandbox_starts_at_once_and_knows_nothing_of_the_one_before():
    with students(["numpy"]) as template:
        for _ in range(3):
            sandbox = Sandbox(template, Limits())
            error = sandbox.run("import sys; assert 'numpy' in sys.modules; assert mark")
            assert error.startswith("NameError")
            assert sandbox.run("mark = 1; open('/tmp/mark', 'x')") is None
            sandbox.close()


@walled
def test_a_sandbox_ends_with_all_that_was_started_in_it():
    with students([]) as template:
        sandbox = Sandbox(template, Limits())
        code = "import subprocess\nsubprocess.Popen(['sleep', '4321'], start_new_session=True)"
        assert sandbox.run(code) is None
        sandbox.close()
        with pytest.raises((Stopped, OSError)):
            sandbox.run("1")
    until = time.monotonic() + 20
    while "sleep 4321" in _running() and time.monotonic() < until:
        time.sleep(0.1)
    assert "sleep 4321" not in _running()


def _running():
    return subprocess.run(["ps", "-eo", "args"], capture_output=True, text=True).stdout


@walled
def test_the_wall_holds_for_a_user_who_is_not_root():
    """The same sandbox, made by a user without rights: another way through the kernel."""
    if os.getuid() != 0:
        pytest.skip("all other tests run as such a user")
    code = (
        "from convac_course.sandbox import *\nimport os\nassert os.getuid() == 1000\n"
        "with students([]) as template:\n    sandbox = Sandbox(template, Limits(memory=600))\n"
        '    error = sandbox.run(\'import os; a = os.getuid(), open("/proc/self/status").read();'
        " os.setuid(0)')\n    values, _ = sandbox.fetch(['a']).read()\n"
        "    print(error, values['a'][0], 'CapEff:\\t0000000000000000' in values['a'][1])\n"
        "    code = 'import os\\nfor n in range(10**6): os.symlink(str(n), \\'/tmp/\\' + str(n))'\n"
        "    try: sandbox.run(code)\n"
        "    except Exception as stopped: print(stopped)\n    sandbox.close()"
    )
    away = ["bwrap", "--dev-bind", "/", "/", "--unshare-user", "--uid", "1000", "--gid", "1000"]
    done = subprocess.run([*away, sys.executable, "-c", code], capture_output=True, text=True)
    first, second = done.stdout.splitlines()
    assert first.endswith("1000 True") and ("PermissionError" in first or "OSError" in first), done
    assert second == "it used more than 600 MB of memory"


def test_the_wall_shows_nothing_of_the_course_and_no_check():
    words = command()
    shown = [words[n + 1] for n, word in enumerate(words) if word == "--ro-bind-try"]
    assert not any(place.endswith(("book", "tests", "/home", "/root", "/work")) and "convac" not in
                   place for place in shown)  # fmt: skip
    hidden = [words[n + 1] for n, word in enumerate(words) if word == "--tmpfs"]
    assert any(place.endswith("convac_book/checks") for place in hidden)
