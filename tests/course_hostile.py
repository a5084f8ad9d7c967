"""Cells that attack a grading: what each tries to reach, and what the report must say of it.

Each stands in the place of the answer to `sum-of-squares`; `a-norm`, below it, is right. So each
must cost its author that exercise and nobody anything else. {course}, {tests} and {port} stand
for places outside the wall.
"""

from pathlib import Path
from typing import NamedTuple

from course_sample import RIGHT

SUM = RIGHT["sum-of-squares"]
SLOW = r"ran longer than 4 s|did not end within 12 s|took longer than 4 s"
MUCH = "used more than 613 MB"
NOT_RIGHT = "the answer is not right"
OF_THE_TEACHER = [str(Path.home() / name) for name in (".ssh", ".bashrc")]
# Writes raw bytes to every file that the process holds, as a reply to the request that runs it
# and to the one that comes next.
SEND = """\
import json, os
def send(reply, ahead=3):
    for n in range(3, 40):
        for number in range(1, 40):
            data = reply(number).encode() + b"\\n"
            try: os.write(n, data)
            except OSError: break
"""
CALL = "import ctypes\nlibc = ctypes.CDLL(None, use_errno=True)\n"


class Try(NamedTuple):
    """What a cell tries to reach, its code, what the report says, and what is left for `a-norm`.

    A cell that breaks its own worker for good loses the right answer below it too.
    """

    reach: str
    code: str
    why: str
    rest: int = 3


def syscall(number: int, *arguments: int) -> str:
    """Return code that makes a system call, and raises if it is refused."""
    given = ", ".join(str(argument) for argument in (number, *arguments))
    refused = "raise OSError(ctypes.get_errno(), 'refused')"
    return f"{CALL}if libc.syscall({given}) < 0:\n    {refused}\n"


HOSTILE = {
    # Marks that were not earned.
    "replaces the worker's answer": Try(
        "full marks: other given values in the hidden test",
        "import convac_course.worker as w\n"
        "w.Worker.fetch = lambda self, names: {'values': {'total': 1, 'count': 2}, 'refused': {}}",
        NOT_RIGHT,
        0,
    ),
    "writes replies to every file": Try(
        "full marks: a reply of its own, with values that nobody asked for",
        f"{SEND}send(lambda n: json.dumps({{'number': n, 'error': None, 'refused': {{}},\n"
        "    'values': {'total': 1, 'count': 2}}))",
        "was not asked for",
    ),
    "replaces built-in functions": Try(
        "full marks: a reply that names __builtins__, abs and np",
        "import convac_course.worker as w\n"
        "tree = {'total': 1, '__builtins__': {'dict': []}, 'abs': 0, 'np': 0, '__name__': 'x'}\n"
        "w.Worker.fetch = lambda self, names: {'values': tree, 'refused': {}}",
        NOT_RIGHT,
        0,
    ),
    "replaces json": Try(
        "full marks: every message rewritten on its way out",
        "import json\nold = json.dumps\n"
        "def dumps(message, **k):\n"
        "    if 'values' in message: message['values'] = {'total': 1, 'count': 2}\n"
        "    return old(message, **k)\njson.dumps = dumps\ntotal = 1",
        NOT_RIGHT,
        0,
    ),
    "patches the checker": Try(
        "full marks: an assertion that cannot fail",
        "import builtins, convac_book.checks as c\nc.right = lambda *a: True\n"
        "builtins.AssertionError = ZeroDivisionError\nbuiltins.abs = lambda x: 0\ntotal = 1",
        NOT_RIGHT,
    ),
    "patches numpy": Try(
        "full marks: comparisons that are always true",
        "np.array_equal = np.allclose = np.isclose = lambda *a, **k: True\ntotal = 1",
        NOT_RIGHT,
    ),
    "equals everything": Try(
        "full marks: an object equal to all others",
        "class Any(int):\n    def __eq__(self, other): return True\ntotal = Any(1)",
        "of type Any",
    ),
    "hands in a pickle": Try(
        "code on the trusted side, when the answer is read",
        "class Bomb:\n    def __reduce__(self): return (open, ('/tmp/pwned', 'w'))\ntotal = Bomb()",
        "of type Bomb",
    ),
    "changes what is given": Try("an easier task", "count = 3\n" + SUM, NOT_RIGHT),
    "says nothing at all": Try("an empty answer that passes", "total = None", NOT_RIGHT),
    "hands in what is no number": Try(
        "a comparison with NaN that passes", "total = float('nan')", NOT_RIGHT
    ),
    "hands in a function": Try(
        "a call in place of a value", "total = lambda: 285", NOT_RIGHT
    ),
    # The hidden tests, the solutions, the others.
    "reads the solutions": Try(
        "the source notebook",
        "import glob\nplaces = '../../source', '../source', '/*/source', '{course}'\n"
        "found = [glob.glob(f'{place}/**/*.ipynb', recursive=True) for place in places]\n"
        "total = 285 if any(found) else nothing_was_found",
        "nothing_was_found",
    ),
    "reads another submission": Try(
        "an honest student's answer",
        "text = open('{course}/submitted/honest/sample/sample.ipynb').read()\n" + SUM,
        "FileNotFoundError",
    ),
    "reads the project": Try(
        "the stored answers", "text = open('{tests}/course_sample.py').read()\n" + SUM, "NotFound"
    ),
    "looks for the test in memory": Try(
        "the hidden test, left over in the process it was forked from",
        "import gc\nwords = [o for o in gc.get_objects() if isinstance(o, (list, dict, tuple))]\n"
        "texts = [t for w in words for t in (w.values() if isinstance(w, dict) else w)\n"
        "         if isinstance(t, str)]\n"
        "total = 285 if any('2 * cou' + 'nt - 1)' in t for t in texts) else nothing_was_found",
        "nothing_was_found",
    ),
    "reads the environment": Try(
        "the teacher's variables, the grader's command line",
        "import glob\ntexts = []\n"
        "for path in glob.glob('/proc/[0-9]*/environ') + glob.glob('/proc/[0-9]*/cmdline'):\n"
        "    try: texts.append(open(path, errors='replace').read())\n"
        "    except OSError: pass\n"
        "total = 285 if 'SECRET_OF_THE_TEACHER' in ''.join(texts) else nothing_was_found",
        "nothing_was_found",
    ),
    "looks at other processes": Try(
        "the grader, or another student's process",
        "import os\nothers = [n for n in os.listdir('/proc') if n.isdigit()]\n"
        "total = 285 if len(others) > 8 else nothing_was_found",
        "nothing_was_found",
    ),
    "reads the teacher's home": Try(
        "keys and passwords",
        f"import os\nhomes = {[*OF_THE_TEACHER, '/home', '/etc/passwd']}\n"
        "total = 285 if any(map(os.path.exists, homes)) else nothing_was_found",
        "nothing_was_found",
    ),
    "reads a check": Try(
        "the readers' check, which knows how to find an answer",
        "import os, convac_book\nfolder = os.path.join(os.path.dirname(convac_book.__file__))\n"
        "found = os.listdir(folder + '/checks')\ntotal = 285 if found else nothing_was_found",
        "nothing_was_found",
    ),
    "traces a check": Try(
        "the right answer in a check's local variables",
        "import sys\nfrom convac_book.checks import opening\nseen = []\n"
        "def look(frame, event, value):\n"
        "    seen.extend(k for k in frame.f_locals if k == 'best')\n    return look\n"
        "sys.settrace(look)\nopening.widest_across((1, 1, 1), 220)\nsys.settrace(None)\n"
        "total = 285 if seen else nothing_was_found",
        "nothing_was_found",
    ),
    # The machine's memory.
    "takes all memory": Try("memory", "hog = bytearray(10**10)", "MemoryError"),
    "takes memory in many processes": Try(
        "memory, a little in each process",
        "import os, time\nfor n in range(6):\n    if os.fork() == 0:\n"
        "        hog = bytearray(2 * 10**8)\n        time.sleep(60)\ntime.sleep(60)",
        MUCH,
    ),
    "takes shared memory": Try(
        "shared pages that no limit of one process counts",
        "import mmap\nhog = mmap.mmap(-1, 10**9)", "PermissionError",
    ),
    "takes shared memory of a device": Try(
        "shared pages without a file, by another way",
        "import mmap, os\nf = os.open('/dev/zero', os.O_RDWR)\nhog = mmap.mmap(f, 10**9)",
        "FileNotFoundError",
    ),
    "takes memory that no process owns": Try(
        "files in memory, closed and still there",
        "import os\nfor n in range(200):\n    os.ftruncate(os.memfd_create('x'), 2**24)",
        "PermissionError",
    ),
    "takes System V shared memory": Try(
        "segments that outlive their process", syscall(29, 0, 2**30, 0o1600), "refused"
    ),
    "takes huge pages": Try(
        "pages that no process's memory shows",
        "import mmap\nhog = mmap.mmap(-1, 2**21, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS"
        " | 0x40000)",
        "PermissionError",
    ),
    "fills page tables": Try(
        "page tables of pages that are only ever read",
        "import mmap\nfor n in range(64):\n"
        "    area = mmap.mmap(-1, 2**36, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS"
        " | 0x4000, prot=mmap.PROT_READ)\n"
        "    for k in range(0, 2**36, 2**21): area[k]",
        f"MemoryError|Cannot allocate|{MUCH}",
    ),
    "makes files without end": Try(
        "what the kernel keeps for each file in memory",
        "import os\nfor n in range(2 * 10**6): os.symlink('x', f'/tmp/{n}')",
        f"{MUCH}|No space left|{SLOW}",
    ),
    "fills the disk": Try(
        "the disk",
        "for n in range(200):\n    open(f'/tmp/{n}', 'wb').write(bytes(2**24))",
        "No space left on device",
    ),
    "writes one large file": Try(
        "the disk", "open('/tmp/x', 'wb').write(bytes(2**26))", "File too large|SIGXFSZ"
    ),
    "fills sockets": Try(
        "what the kernel keeps in sockets",
        "import os, socket, time\nfor n in range(20):\n    if os.fork() == 0: break\n"
        "pairs = []\nwhile True:\n    try:\n        pairs.append(socket.socketpair())\n"
        "        for end in pairs[-1]:\n            end.setblocking(False)\n"
        "            try: end.send(bytes(10**6))\n            except BlockingIOError: pass\n"
        "    except OSError: time.sleep(99)",
        MUCH,
    ),
    "locks without end": Try(
        "what the kernel keeps for each lock",
        "import fcntl\nwith open('/tmp/x', 'w') as f:\n"
        "    for n in range(10**7, 0, -2): fcntl.lockf(f, fcntl.LOCK_EX, 1, n)",
        "No locks available",
    ),
    "watches without end": Try(
        "what the kernel keeps for each watch", syscall(294, 0), "refused"
    ),
    "gives pages to a pipe": Try(
        "pages held by a pipe", syscall(278, 1, 0, 0, 0), "refused"
    ),
    # The machine's time.
    "loops for ever": Try("time", "while True:\n    pass", SLOW),
    "swallows the interrupt": Try(
        "time",
        "while True:\n    try:\n        while True: pass\n    except BaseException: pass",
        SLOW,
    ),
    "sleeps for ever": Try("time on the clock", "import time\ntime.sleep(10**6)", SLOW),
    "computes in compiled code": Try("time, where no signal is heard", "3 ** 10**9", SLOW),
    "lets others compute": Try(
        "time of children, while the cell sleeps",
        "import os, time\nfor n in range(8):\n    if os.fork() == 0:\n"
        "        while True: pass\ntime.sleep(10**6)",
        SLOW,
    ),
    "hands in a long computation": Try(
        "time of the trusted side: a fraction of a million digits",
        "from fractions import Fraction\n"
        "total = Fraction(3**4_000_000, 7**3_000_000, _normalize=False)",
        "more than 16384 bits",
    ),
    "hands in a long number": Try(
        "time of the trusted side", "total = 1 << 10**7", "more than 16384 bits"
    ),
    "hands in colliding keys": Try(
        "time of the trusted side: a dictionary that takes its square",
        "import convac_course.worker as w\n"
        "keys = [[{'int': hex(k * (2**61 - 1))}, 0] for k in range(10**5)]\n"
        "w.Worker.fetch = lambda self, names: {'values': {'total': {'dict': keys}}}",
        SLOW,
        0,
    ),
    "forks for ever": Try(
        "process numbers",
        "import os\nwhile True:\n    try: os.fork()\n    except OSError: pass",
        f"started more than 24 processes|{MUCH}|{SLOW}",
    ),
    "forks away": Try(
        "process numbers, out of the session",
        "import os\nwhile True:\n    try:\n        if os.fork() == 0: os.setsid()\n"
        "    except OSError: pass",
        f"started more than 24 processes|{MUCH}|{SLOW}",
    ),
    "starts threads for ever": Try(
        "process numbers",
        "import threading, time\nfor n in range(10**4):\n"
        "    threading.Thread(target=time.sleep, args=(99,), daemon=True).start()",
        "started more than 24 processes|can't start new thread",
    ),
    "leaves processes behind": Try(
        "the machine after the grading",
        "import os, time\nif os.fork() == 0:\n    os.setsid()\n    time.sleep(10**6)\ntotal = 1",
        NOT_RIGHT,
    ),
    "prints for ever": Try(
        "the report, the disk", "while True: print('x' * 10**4)", "printed more than 200 kB"
    ),
    "writes past Python": Try(
        "the report, the disk",
        "import os\nwhile True: os.write(2, bytes(10**5))", "printed more than 200 kB",
    ),
    # The wall itself.
    "opens a socket": Try(
        "a server on the grading machine",
        "import socket\nsocket.create_connection(('127.0.0.1', {port}), 1)\n" + SUM,
        "not supported|Refused",
    ),
    "opens a socket to the host": Try(
        "the machine that this one runs on, by vsock", syscall(41, 40, 1, 0), "refused"
    ),
    "opens a socket to the kernel": Try(
        "the kernel's ciphers, by AF_ALG", syscall(41, 38, 5, 0), "refused"
    ),
    "opens a raw socket": Try("other machines", syscall(41, 17, 3, 0), "refused"),
    "writes into the library": Try(
        "the next student's library",
        "import convac_lib.cuts as c\nopen(c.__file__, 'a').write('#')\n" + SUM,
        "Read-only file system|Permission denied",
    ),
    "writes into Python": Try(
        "the grader's own program",
        "open('/proc/self/exe', 'r+b').write(b'x')\n" + SUM,
        "Permission denied|Text file busy|Operation not permitted|Read-only",
    ),
    "writes where the next one reads": Try(
        "a start-up file of Python",
        "import site, sys\nopen(sys.prefix + '/sitecustomize.py', 'w').write('#')\n" + SUM,
        "Read-only file system|Permission denied",
    ),
    "sets the kernel": Try(
        "a setting of the kernel",
        "open('/proc/sys/kernel/core_pattern', 'w').write('|/tmp/x')\n" + SUM,
        "Read-only file system|Permission denied",
    ),
    "becomes root": Try(
        "the rights of root", "import os\nos.setuid(0)\n" + SUM, "PermissionError|Invalid argument"
    ),
    "makes a namespace": Try(
        "the rights of root in a place of its own",
        "import subprocess\nsubprocess.run(['unshare', '-Ur', 'true'], check=True)\n" + SUM,
        "CalledProcessError",
    ),
    "mounts a folder": Try("a file system without a limit", syscall(165, 0, 0, 0, 0, 0), "refused"),
    "enters another place": Try("the place it came from", syscall(308, 3, 0), "refused"),
    "traces a process": Try("the porter at the wall", syscall(101, 16, 1, 0, 0), "refused"),
    "loads a program into the kernel": Try("the kernel", syscall(321, 5, 0, 0), "refused"),
    "rings the kernel": Try("calls that no filter sees", syscall(425, 8, 0), "refused"),
    "reads the key ring": Try("the teacher's keys", syscall(250, 0, -3, 0), "refused"),
    "catches page faults": Try("the kernel's weak moments", syscall(323, 0), "refused"),
    # The conversation.
    "ends the process": Try("the run", "import os\nos._exit(0)", "exit status 0"),
    "kills all it can": Try("the run", "import os\nos.kill(-1, 9)", "is not defined"),
    "kills its parents": Try(
        "the run", "import os\nos.kill(1, 9)\nos.kill(os.getppid(), 9)", "SIGKILL|PermissionError"
    ),
    "becomes another program": Try(
        "the run", "import os\nos.execv('/bin/sh', ['sh', '-c', 'sleep 1'])", "exit status 0"
    ),
    "crashes Python": Try("the run", "import ctypes\nctypes.string_at(0)", "SIGSEGV"),
    "aborts": Try("the run", "import os\nos.abort()", "SIGABRT"),
    "recurses without end": Try(
        "the run",
        "import sys\nsys.setrecursionlimit(10**9)\ndef f(): return f()\nf()",
        f"SIGSEGV|RecursionError|{MUCH}|MemoryError|{SLOW}",
    ),
    "exits": Try("the run", "raise SystemExit", "SystemExit"),
    "raises what nobody catches": Try("the run", "raise KeyboardInterrupt", "KeyboardInterrupt"),
    "closes every file": Try("the run", "import os\nos.closerange(0, 200)", "ended itself|gone"),
    "forges a reply": Try(
        "the run", f"{SEND}send(lambda n: '{{}}')", "was not asked for"
    ),
    "answers ahead": Try(
        "the run: replies to requests that are not made yet",
        f"{SEND}send(lambda n: json.dumps({{'number': n, 'error': None, 'values': {{}}}}))",
        "was not asked for",
    ),
    "sends nonsense": Try(
        "the run", f"{SEND}send(lambda n: '[' * 10**5)", "was not asked for"
    ),
    "sends many brackets": Try(
        "the trusted side's memory",
        f"{SEND}send(lambda n: '[' + '[],' * 10**6 + '0]')", "was not asked for",
    ),
    "sends without end": Try(
        "the trusted side's memory",
        "import os\nwhile True:\n    for n in range(3, 20):\n"
        "        try: os.write(n, b'x' * 10**6)\n        except OSError: pass",
        f"more than can be an answer|{SLOW}",
    ),
    "nests without end": Try(
        "the trusted side's stack", "total = 1\nfor n in range(10**4): total = [total]", "deeply"
    ),
    "holds itself": Try("the run", "total = []\ntotal.append(total)", "nested too deeply"),
    "answers too much": Try("memory", "total = np.zeros(10**7)", "an array of more than 32 MB"),
    "answers too long a text": Try(
        "memory", "total = 'x' * 10**8", f"more than can be an answer|{SLOW}"
    ),
    # The report.
    "writes a script": Try(
        "the teacher's browser", "raise ValueError('<script>alert(1)</script>')", "ValueError"
    ),
    "writes a formula": Try(
        "the teacher's spreadsheet", "raise ValueError('=HYPERLINK(\"x\")')", "ValueError"
    ),
    "writes a terminal's orders": Try(
        "the teacher's terminal", "raise ValueError('\\x1b]0;x\\x07\\x1b[2J')", "ValueError"
    ),
    "writes what is no text": Try(
        "the run: half a sign", "total = '\\ud800'\nraise ValueError('\\ud800')", "ValueError"
    ),
}  # fmt: skip

# What a right function does with the arguments that a hidden test hands it: it passes them on to
# where they may be read. The test is passed; not a byte of it may get out.
LEAKS = {
    "prints them": "    print('LEAK', vector)\n",
    "raises them": "    if len(vector) == 2: raise ValueError(f'LEAK {vector}')\n",
    "asserts them": "    if len(vector) == 2: raise AssertionError(f'LEAK {vector}')\n",
    "returns them": "    if len(vector) == 2: return f'LEAK {vector}'\n",
    "names them": "    if len(vector) == 2: return globals()[f'LEAK {vector}']\n",
    "keeps them in a file": "    open('/tmp/leak', 'a').write(f'LEAK {vector}')\n",
    "sends them to another": (
        "    import os\n    for n in range(3, 40):\n        try: os.write(n, f'LEAK {vector}'"
        ".encode())\n        except OSError: pass\n"
    ),
    "takes as long as they say": "    import time\n    time.sleep(float(abs(vector).sum()) / 99)\n",
}
