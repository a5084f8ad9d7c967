"""What the checks make of a seed is made on this side: it is used there, and not watched."""

import json
import os
import signal
import time

import pytest
from course_runs import MISSING, QUICK, graded, marks_of, release_of
from course_sample import course_of, handed_in, write

from convac_course.answering import Stopped
from convac_course.given import Given, Giver
from convac_course.hidden_tests import HiddenTests
from convac_course.plain import decode, encode
from convac_course.worker import Worker

walled = pytest.mark.skipif(MISSING is not None, reason=f"no sandbox here: {MISSING}")
pytestmark = pytest.mark.slow
RIGHT = {
    "value": "value = box([1, 2, 3])",
    "norm": "norm = float(np.sum(state**2))",
    "twice": "def twice(pixels): return 2 * box(pixels)",
}
TESTS = {
    "value": "assert abs(value - box([1, 2, 3])) < 1e-9",
    "norm": "assert abs(norm - 1) < 1e-9 and state.shape == (2,) * 8",
    "twice": "assert twice([3, 1, 2]) == 2 * box([3, 1, 2])",
}
GIVEN = {
    "value": "seed = 3\nbox = one.black_box(seed)",
    "norm": "state = two.paired_state(4)",
    "twice": "box = one.black_box(5)",
}


@pytest.fixture(scope="module")
def course(tmp_path_factory):
    """A course whose exercises are given what the checks of the book make."""
    folder = tmp_path_factory.mktemp("course")
    return course_of(folder, [(n, [GIVEN[n]], RIGHT[n], TESTS[n]) for n in RIGHT])


TRIED = {
    "right": ("", 1),
    "opens the box": (
        "held = [c.cell_contents for c in box.__closure__ or ()]\n"
        "assert not any(isinstance(h, np.ndarray) for h in held)\n",
        1,
    ),
    "traces the box": (
        "import sys\nseen = set()\nsys.settrace(lambda f, *a: seen.update(f.f_locals))\n"
        "box([0, 0, 0])\nsys.settrace(None)\nassert 'tensor' not in seen\n",
        1,
    ),
    "makes the state again": (
        "order = two.paired_state(4)\nassert not isinstance(order, np.ndarray)\n",
        1,
    ),
    "calls with nonsense": (
        "for bad in ([], 'abc', None, [1, 2], [[1] * 3] * 3):\n"
        "    try: box(bad)\n    except (ValueError, TypeError): pass\n"
        "    else: raise SystemExit\n",
        1,
    ),
    "calls in threads": (
        "from concurrent.futures import ThreadPoolExecutor as Pool\n"
        "with Pool(4) as pool: found = list(pool.map(box, [[1, 2, 3]] * 40))\n"
        "assert len(set(found)) == 1\n",
        1,
    ),
    "gives itself another box": ("box = lambda pixels: 0\n", 0),
    "asks for another function": (
        "import os\nfor n in range(3, 20):\n"
        '    try: os.write(n, b\'{"ask": ["7", {"tuple": []}, {"dict": []}]}\\n\')\n'
        "    except OSError: pass\nraise SystemExit\n",
        0,
    ),
    "asks without end": ("while True: box([1, 2, 3])\n", 0),
    "asks for something large": ("box(np.zeros(10**6))\n", 0),
}


@pytest.fixture(scope="module")
def tried(course, tmp_path_factory):
    folder = tmp_path_factory.mktemp("in")
    for name, (before, _) in TRIED.items():
        answers = {**RIGHT, "value": before + RIGHT["value"]}
        write(folder, name, handed_in(release_of(course, "given"), **answers), "given")
    return graded(folder, course, folder / "g.csv", limits=QUICK, jobs=4)


@walled
@pytest.mark.parametrize("name", TRIED)
def test_what_is_given_is_there_and_its_making_is_not(tried, name):
    marks = marks_of(tried[name])
    assert marks["value"] == TRIED[name][1], tried[name].reasons()
    if name != "asks for another function":  # it breaks its own conversation
        assert marks["norm"] == marks["twice"] == 1, tried[name].reasons()


@pytest.fixture
def given(course):
    from convac_course.build import read_course

    chapter = read_course(course)["given"]
    return Given(chapter, HiddenTests(chapter))


@pytest.fixture
def giver(given):
    giver = given.giver(10)
    yield giver
    giver.close()


def name_of_box(given):
    (box,) = [trees["box"] for (_, cell), trees in given.values.items() if "seed = 3" in cell]
    return box["function"]


def test_a_giver_answers_calls_and_nothing_else(given, giver):
    assert {name for trees in given.values.values() for name in trees} == {"box", "seed", "state"}
    name = name_of_box(given)
    reply = giver.call([name, encode(([1, 2, 3],)), encode({})], 10)
    assert isinstance(decode(reply["value"]), float)
    assert giver.call([name, encode(([1],)), encode({})], 10)["raised"][0] == "ValueError"
    for odd in ([name, 3, 4], [name, {"list": 1}, {}], ["no", encode(()), encode({})]):
        assert "raised" in giver.call(odd, 10)
    for odd in (None, [], [1, 2], "x", {"a": 1}):
        with pytest.raises(Stopped):
            giver.call(odd, 10)
    os.kill(giver.process, signal.SIGKILL)
    with pytest.raises(Stopped, match="did not end"):
        giver.call([name, encode(([1, 2, 3],)), encode({})], 10)
    assert json.dumps([*given.values.values()])


def test_the_reply_to_a_call_that_was_given_up_is_taken_for_no_other(given):
    name, others = name_of_box(given), {}
    for pixels in ([1, 2, 3], [3, 1, 2]):
        giver = given.giver(10)
        others[tuple(pixels)] = giver.call([name, encode((pixels,)), encode({})], 10)
        giver.close()
    assert others[1, 2, 3] != others[3, 1, 2]
    given_up = 0
    for _ in range(20):
        giver = given.giver(10)
        try:
            giver.call([name, encode(([1, 2, 3],)), encode({})], 0)
        except Stopped:
            given_up += 1
            with pytest.raises(Stopped, match="did not end"):
                giver.call([name, encode(([3, 1, 2],)), encode({})], 10)
        else:
            assert giver.call([name, encode(([3, 1, 2],)), encode({})], 10) == others[3, 1, 2]
        giver.close()
    assert given_up


def test_a_reply_that_breaks_off_is_not_waited_for_without_end(giver):
    os.close(giver.out_of)
    giver.out_of, told = os.pipe()
    os.write(told, b'{"value": ')
    with pytest.raises(Stopped, match="did not end"):
        giver.call(["0", encode(()), encode({})], 0.3)
    os.close(told)


def test_the_watch_looks_while_a_call_takes_long():
    worker = Worker({}, lambda source: None)
    call = [worker.remember(time.sleep), encode((60,)), encode({})]
    giver, looks = Giver(worker, 10), []

    def look():
        looks.append(1)
        if len(looks) == 3:
            raise Stopped("it used too much")

    with pytest.raises(Stopped, match="too much"):
        giver.call(call, 60, look)
    giver.close()


def test_a_chapter_that_makes_nothing_has_no_giver(tmp_path):
    from course_runs import make_course

    from convac_course.build import read_course

    (tmp_path / "book").mkdir()
    chapter = read_course(make_course(tmp_path / "book", tmp_path / "c"))["sample"]
    given = Given(chapter, HiddenTests(chapter))
    assert given.values == {} and given.giver(10) is None
