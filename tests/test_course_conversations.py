"""What one exercise does to the conversation with its process costs that exercise at most.

Threads and forks that ask for given values, time that is charged to another, a function that is
stopped inside a test which catches every error: each of these took marks from honest answers.
"""

import pytest
from course_runs import MISSING, QUICK, graded, marks_of, release_of
from course_sample import course_of, handed_in, write

from convac_course.sandbox import Sandbox, students

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(MISSING is not None, reason=f"no sandbox here: {MISSING}"),
]
BURN = (
    "import time\ndef burn(seconds):\n    until = time.process_time() + seconds\n"
    "    while time.process_time() < until: pass\n"
)
NAMES = "fghk"
RIGHT = {name: f"def {name}(x): return x" for name in NAMES}


def grade(course, folder, handed, **options):
    """Grade answers by student."""
    for name, answers in handed.items():
        write(folder, name, handed_in(release_of(course, "given"), **answers), "given")
    return graded(folder, course, folder / "g.csv", limits=QUICK, jobs=2, **options)


ASKING = {
    "value": ("value = box([1, 2, 3])", "assert abs(value - box([1, 2, 3])) < 1e-9"),
    "after": ("after = 7", "assert after == 7"),
    "twice": ("def twice(x): return 2 * box(x)", "assert twice([3, 1, 2]) == 2 * box([3, 1, 2])"),
}
GOES_ON = {
    "a thread that asks on": (
        "import threading\ndef ask():\n    while True: box([0, 0, 0])\n"
        "threading.Thread(target=ask, daemon=True).start()\n"
    ),
    "processes that ask": (
        "import multiprocessing\ndef ask(pixels): return box(pixels)\n"
        "with multiprocessing.Pool(2) as pool:\n"
        "    found = pool.map(ask, [[1, 2, 3]] * 20)\nassert len(set(found)) == 1\n"
    ),
    "a fork that goes on": "import os\nos.fork()\n",
    "a fork that leaves": "import os, sys\nif os.fork() == 0: sys.exit()\n",
}


def test_threads_and_forks_of_a_cell_disturb_nobody(tmp_path):
    course = course_of(
        tmp_path,
        [
            (name, ["box = one.black_box(3)"] if name != "after" else [], *both)
            for name, both in ASKING.items()
        ],
    )
    right = {name: solution for name, (solution, _) in ASKING.items()}
    handed = {kind: {**right, "value": code + right["value"]} for kind, code in GOES_ON.items()}
    for kind, result in grade(course, tmp_path / "in", handed).items():
        assert result.full, (kind, result.reasons())


def test_two_exercises_with_the_same_given_cell_have_their_own_values(tmp_path):
    course = course_of(
        tmp_path,
        [
            (name, [f"seed = {seed}", "box = one.black_box(seed)"], f"{name} = box([1, 2, 3])",
             f"assert {name} == box([1, 2, 3])")
            for name, seed in (("this", 3), ("that", 5))
        ],
    )  # fmt: skip
    right = {name: f"{name} = box([1, 2, 3])" for name in ("this", "that")}
    assert grade(course, tmp_path / "in", {"honest": right})["honest"].full


@pytest.fixture(scope="module")
def functions(tmp_path_factory):
    """Four exercises whose tests call functions; the first test catches every error."""
    catching = "assert f(4) == 4\ntry: f(-1)\nexcept Exception: pass"
    tests = {name: f"assert {name}(173) == 173" for name in NAMES} | {"f": catching}
    folder = tmp_path_factory.mktemp("functions")
    return course_of(folder, [(name, [], RIGHT[name], tests[name]) for name in NAMES])


ENDED = "its function was stopped, or ended its process"
STOPPED = {
    "loops": "def f(x):\n    while x < 0: pass\n    return x",
    "ends": "import os\ndef f(x):\n    if x < 0: os._exit(1)\n    return x",
}


def test_what_a_test_catches_is_not_the_end_of_a_function(functions, tmp_path):
    handed = {kind: {**RIGHT, "f": code} for kind, code in STOPPED.items()}
    for kind, result in grade(functions, tmp_path, handed).items():
        assert marks_of(result) == {"f": 0, "g": 1, "h": 1, "k": 1}, (kind, result.reasons())
        assert ENDED in result.reasons()


def test_how_a_function_ended_does_not_say_what_it_was_called_with(functions, tmp_path):
    tell = "import os\ndef g(x): os._exit(x)"
    result = grade(functions, tmp_path, {"tells": {**RIGHT, "g": tell}})["tells"]
    assert marks_of(result) == {"f": 1, "g": 0, "h": 1, "k": 1}
    assert ENDED in result.reasons() and "173" not in result.reasons()


def test_each_function_has_its_own_time(functions, tmp_path):
    """Together they take more than one may."""
    slow = {n: f"{BURN}def {n}(x):\n    burn(1.2)\n    return x" for n in NAMES}
    result = grade(functions, tmp_path, {"slow": slow})["slow"]
    assert 4 * 1.2 > QUICK.cell_seconds and result.full, result.reasons()


def test_many_that_end_their_process_leave_the_last_its_mark(tmp_path):
    names = [f"a{k}" for k in range(10)]
    course = course_of(tmp_path, [(n, [], f"{n} = 1", f"assert {n} == 1") for n in names])
    end = dict.fromkeys(names[:-1], "import os\nos._exit(0)")
    result = grade(course, tmp_path / "in", {"ends": {**end, names[-1]: f"{names[-1]} = 1"}})
    assert marks_of(result["ends"]) == dict.fromkeys(names[:-1], 0) | {names[-1]: 1}


DEEP = (
    "import json\ndumps = json.dumps\n"
    "def deep(message, **how):\n"
    "    if 'values' not in message: return dumps(message, **how)\n"
    "    told = dumps({'number': message['number'], 'values': {'f': '@'}})\n"
    "    return told.replace('\"@\"', '[' * 600 + ']' * 600)\n"
    "json.dumps = deep\n"
)


def test_a_reply_that_is_nested_too_deeply_stops_no_other_student(functions, tmp_path):
    handed = {"a": RIGHT, "b": {**RIGHT, "f": DEEP + RIGHT["f"]}, "c": RIGHT}
    results = grade(functions, tmp_path, handed)
    assert results["a"].full and results["c"].full
    assert marks_of(results["b"])["f"] == 0
    assert "nested too deeply" in results["b"].reasons()


@pytest.mark.parametrize("where", ["Wall", "_start"])
def test_a_sandbox_that_does_not_start_leaves_nothing(where, monkeypatch):
    import os

    import psutil

    from convac_course import sandbox

    class Giver:
        closed = False

        def close(self):
            self.closed = True

    def fail(*_):
        raise OSError("no room")

    with students([]) as template:
        before = len(os.listdir("/dev/fd")), psutil.Process().children()
        monkeypatch.setattr(sandbox, where, fail)
        giver = Giver()
        with pytest.raises(OSError, match="no room"):
            Sandbox(template, QUICK, giver=giver)
        assert giver.closed
        assert (len(os.listdir("/dev/fd")), psutil.Process().children()) == before
