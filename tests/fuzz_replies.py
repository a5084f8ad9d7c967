"""Replies from a worker that is wholly in an attacker's hands, in great numbers.

    python tests/fuzz_replies.py --replies 100000 --processes 300

Each reply is read, decoded, checked and tested as in a grading. Nothing may be raised; a mark is
given only for an answer that is right by an independent reading; names that were not asked for
change nothing; and no word of the hidden test comes out, whatever the worker does with what the
test hands to its functions.
"""

import argparse
import base64
import json
import random
import struct
import sys
from fractions import Fraction
from pathlib import Path
from typing import Any

import nbformat
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from convac_course.answering import Answerer, Stopped, read_reply
from convac_course.apart import apart
from convac_course.build import build_assignment
from convac_course.chapters import Chapter
from convac_course.hidden_tests import HiddenTests
from convac_course.notebooks import Cell
from convac_course.plain import NotPlain
from convac_course.sandbox import Limits, students

CANARIES = ("CANARY", "918273645", "half-a-secret")
RIGHT = 285
ASIDE = ("count", "np", "right", "abs", "max", "__builtins__", "__name__", "tests", "assert", "")
KINDS = (
    "list", "tuple", "set", "frozenset", "dict", "int", "float", "complex", "fraction", "array",
    "scalar", "tensor", "architecture", "function", "evil", "", "value", "raised",
)  # fmt: skip
DTYPES = ("<i8", "<f8", "|b1", "<c16", "<U3", ">i4", "O", "V8", "f8,f8", "U9999999999", "<f2", "i")
HOSTILE_CELL = """
import json, os, sys
replies = [n for n in range(3, 20) if n != {requests}]
lines = os.fdopen({requests}, 'rb')
plan = {plan!r}
seen = []
for line in [b'{{"number": 0}}'] + list(plan):
    for n in replies:
        try: os.write(n, line + b'\\n')
        except OSError: pass
"""


def fuzz_chapter(folder: Path) -> Chapter:
    """Return a chapter whose hidden tests compute with what they are handed, and hold secrets."""

    def cell(make: Any, source: str, role: str, exercise: str, **more: Any) -> Any:
        made = make(source)
        made.metadata.convac = {"role": role, "exercise": exercise, **more}
        return made

    test = (
        "### BEGIN HIDDEN TESTS\nCANARY = 918273645\nassert total == sum(k * k for k in range("
        "count)), 'the sum is another'\nassert CANARY == 918273645, f'{CANARY}'\n"
        "### END HIDDEN TESTS"
    )
    calls = (
        "### BEGIN HIDDEN TESTS\nassert norm('CANARY', secret=918273645) == 'half-a-secret'\n"
        "assert len(norm([918273645] * 3)[2:]) < 10 ** norm(2), str(norm('CANARY'))\n"
        "### END HIDDEN TESTS"
    )
    statement = "````{{exercise}} {0}\n:label: {0}\n\n*Compute · 1 minutes · level 1 of 3*\n````"
    solution = "### BEGIN SOLUTION\n{}\n### END SOLUTION"
    cells = [
        new_markdown_cell("# A fuzz"),
        cell(new_markdown_cell, statement.format("sum"), "statement", "sum"),
        cell(new_code_cell, "count = 10", "given", "sum"),
        cell(new_code_cell, solution.format("total = 285"), "solution", "sum"),
        cell(new_code_cell, test, "test", "sum", points=2),
        cell(new_markdown_cell, statement.format("norm"), "statement", "norm"),
        cell(new_code_cell, solution.format("norm = len"), "solution", "norm"),
        cell(new_code_cell, calls, "test", "norm", points=2),
    ]
    path = folder / "fuzz.ipynb"
    nbformat.write(new_notebook(cells=cells), path)
    return build_assignment(path, folder / "course")


class Attacker(Answerer):
    """A worker that replies what the fuzz draws, and knows all that it was ever asked."""

    def __init__(self, draw: "Draw", first: bytes) -> None:
        self.draw, self.first, self.asked, self.heard = draw, first, 0, ""

    def ask(self, request: dict[str, Any], seconds: float | None = None) -> dict[str, Any]:
        """Reply to a request with the bytes that were drawn, read as a sandbox reads them."""
        self.asked += 1
        self.heard = json.dumps(request)
        if "call" in request and self.asked > 20:
            raise Stopped("enough")
        line = self.first if "fetch" in request else self.draw.line(self.asked, self.heard)
        try:
            return read_reply(line, self.asked)
        except NotPlain as error:
            raise Stopped(str(error)) from error


class Draw:
    """Random and structured replies."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)

    def line(self, number: int, heard: str = "", name: str = "total") -> bytes:
        """Return one reply, of any kind, that may tell what was heard."""
        kind = self.random.random()
        if kind < 0.08:
            return bytes(self.random.choices(range(256), k=self.random.randrange(200)))
        reply = self.reply(number, heard, name)
        try:
            text = json.dumps(reply, ensure_ascii=self.random.random() < 0.9)
            line = text.encode("utf-8", "replace")
        except (ValueError, RecursionError):
            line = b"{}"
        if kind < 0.3:
            line = self.mutated(line)
        return line.replace(b"\n", b" ")

    def reply(self, number: int, heard: str, name: str) -> Any:
        """Return a reply as data."""
        pick = self.random.random()
        reply: dict[str, Any] = {"number": self.number(number)}
        if heard and pick < 0.7:
            if pick < 0.35:
                told = [self.word(), heard]
                names = ["ValueError", "AssertionError", "KeyError", "Stopped", "SystemExit", "x"]
                reply["raised"] = [self.random.choice(names), self.random.choice(told)]
            else:
                reply["value"] = self.random.choice([heard, self.tree(3), {"list": [heard] * 3}])
            return reply
        values = {self.random.choice((name, name, *ASIDE)): self.tree(4) for _ in range(3)}
        reply["values"] = self.random.choice([values, values, self.tree(2)])
        reply["refused"] = self.random.choice([{}, {name: self.word()}, {"x": heard}, self.tree(1)])
        reply["snapshot"] = self.random.choice([0, -1, "0", None, 10**30])
        return reply

    def right(self, number: int) -> bytes:
        """Return a reply that holds the right answer in some form, with others beside it."""
        packed = base64.b64encode(struct.pack("<q", RIGHT)).decode()
        forms = [RIGHT, 285.0, {"int": hex(RIGHT)}, {"fraction": [RIGHT, 1]}, {"float": "285"},
                 {"scalar": ["<i8", [], packed]}, {"complex": ["285", "0"]}]  # fmt: skip
        values = {name: self.tree(3) for name in self.random.sample(ASIDE, 4)}
        values["total"] = self.random.choice(forms)
        return json.dumps({"number": number, "values": values, "refused": {}}).encode()

    def function(self, number: int) -> bytes:
        """Return a reply that holds a function, bare or inside something."""
        told = {"function": self.random.choice(["0", "x", 7, None, "9" * 100])}
        told = self.random.choice([told, told, told, {"list": [told]}, {"tuple": [told, 1]}])
        reply = {"number": number, "values": {"norm": told}, "refused": {"total": "x"}}
        return json.dumps(reply).encode()

    def number(self, number: int) -> Any:
        """Return a reply's number, mostly the right one."""
        others = [number + 1, 0, True, float(number), str(number), None, 10**40]
        return number if self.random.random() < 0.9 else self.random.choice(others)

    def tree(self, depth: int) -> Any:
        """Return packed data, well formed or not."""
        pick = self.random.random()
        if depth == 0 or pick < 0.25:
            return self.leaf()
        kind = self.random.choice(KINDS)
        if pick < 0.35:
            return {kind: self.leaf()}
        if pick < 0.4:
            return self.deep(self.random.randrange(100))
        if kind in ("array", "scalar", "tensor"):
            packed = base64.b64encode(bytes(self.random.choices(range(256), k=24))).decode()
            shape = self.random.choice([[3], [], [0, 10**9], [-1], [3.0], [1, 3], "3", [24]])
            array = [self.random.choice(DTYPES), shape, self.random.choice([packed, "", "!", 3])]
            return {"tensor": {"array": array}} if kind == "tensor" else {kind: array}
        content = [self.tree(depth - 1) for _ in range(self.random.randrange(4))]
        if kind == "dict":
            return {"dict": [[self.tree(depth - 1), self.leaf()] for _ in range(3)]}
        return {kind: content} if pick < 0.95 else {kind: content, "list": content}

    def leaf(self) -> Any:
        """Return a value without parts."""
        return self.random.choice([
            0, 1, -1, 284, 2**53, -(2**63), 10**300, 0.1, 1e308, float("nan"), float("inf"), True,
            False, None, "", "285", "0x11d", "0x" + "f" * 5000, "nan", "total", "0", [], {},
            self.word(), self.random.randrange(10**6),
        ])  # fmt: skip

    def word(self) -> str:
        """Return some text, of the sort that breaks things."""
        return self.random.choice([
            "<script>", "=1+1", "\x00", "\ud800", "\x1b[2J", "x" * 3000, "%s{0}", "../../x",
            "é\u202e",
        ])  # fmt: skip

    def deep(self, depth: int) -> Any:
        """Return a value nested in itself."""
        value: Any = 1
        for _ in range(depth):
            value = {"list": [value]}
        return value

    def mutated(self, line: bytes) -> bytes:
        """Return a line with some of its bytes changed, dropped or doubled."""
        data = bytearray(line)
        for _ in range(self.random.randrange(1, 6)):
            if not data:
                break
            place = self.random.randrange(len(data))
            what = self.random.random()
            if what < 0.4:
                data[place] = self.random.randrange(256)
            elif what < 0.6:
                del data[place : place + self.random.randrange(1, 20)]
            elif what < 0.8:
                data[place:place] = data[place : place + self.random.randrange(1, 20)]
            else:
                data[place:place] = self.random.choice([b"[", b"{", b"9" * 400, b'"', b"\\u0000"])
        return bytes(data)


def is_right(line: bytes) -> bool:
    """Tell by a reading of its own whether a reply holds the right answer."""
    try:
        data = json.loads(line)["values"]["total"]
    except Exception:
        return False
    if isinstance(data, dict) and len(data) == 1:
        ((kind, content),) = data.items()
        try:
            if kind == "int":
                data = int(content, 16)
            elif kind == "float":
                data = float(content)
            elif kind == "complex":
                data = complex(float(content[0]), float(content[1]))
            elif kind == "fraction":
                above, below = content
                data = Fraction(above, below) if type(above) is type(below) is int else None
            elif kind in ("scalar", "array"):
                code = {"<i8": "<q", "<f8": "<d", ">i4": ">i"}[content[0]]
                (data,) = struct.unpack(code, base64.b64decode(content[2], validate=True))
        except Exception:
            return False
    return not isinstance(data, str) and data == RIGHT


def judge(tests: HiddenTests, chapter: Chapter, draw: Draw, number: int) -> tuple[int, list[str]]:
    """Send one reply through reading, check and test; return the marks and what went wrong."""
    first, second = chapter.graded
    right = draw.random.random() < 0.05
    line = draw.right(1) if right else draw.line(1)
    wrong, marks = [], 0
    other = draw.function(1) if draw.random.random() < 0.7 else draw.line(1, name="norm")
    for exercise, first_line in ((first, line), (second, other)):
        attacker = Attacker(draw, first_line)
        try:
            fetched = attacker.fetch(exercise.answers)
            answers, sentence = tests.check(exercise, fetched, attacker)
            mark = tests.mark(exercise, fetched, attacker)
        except Stopped:
            continue
        told = json.dumps([mark.reasons, answers, sentence, mark.output])
        wrong += [f"{number}: {word} came out: {told}" for word in CANARIES if word in told]
        if len(told) > 4000:
            wrong.append(f"{number}: the report has {len(told)} letters: {told[:200]}")
        if exercise is first:
            marks = int(mark.marks)
            if marks not in (0, 2) or (marks == 2) != is_right(first_line):
                wrong.append(f"{number}: {marks} marks for {first_line[:300]!r}")
        elif mark.marks:
            wrong.append(f"{number}: {mark.marks} marks for {first_line[:300]!r}")
    if right and marks != 2:
        wrong.append(f"{number}: right, and no marks: {line[:300]!r}")
    return marks, wrong


def in_this_process(chapter: Chapter, replies: int, seed: int = 0) -> tuple[int, list[str]]:
    """Judge many replies; return how many got marks, and what went wrong."""
    tests, draw, full, wrong = HiddenTests(chapter), Draw(seed), 0, []
    for number in range(replies):
        marks, errors = judge(tests, chapter, draw, number)
        full += marks == 2
        wrong += errors
    return full, wrong


def in_forks(chapter: Chapter, replies: int, seed: int = 1) -> list[str]:
    """Judge replies in processes of their own, as a grading does; return what went wrong."""
    tests, draw, wrong = HiddenTests(chapter), Draw(seed), []
    for number in range(replies):
        draw.random.seed(f"{seed}/{number}")
        wrong += apart(lambda: judge(tests, chapter, draw, number)[1], 20, 4 * 2**30)  # noqa: B023
    return wrong


def in_sandboxes(chapter: Chapter, replies: int, unsafe: bool, seed: int = 2) -> list[str]:
    """Grade notebooks whose cell takes over the conversation; return what went wrong."""
    from convac_course.marking import mark_submission

    draw, wrong = Draw(seed), []
    limits = Limits(cell_seconds=3, total_seconds=30, memory=700, processes=16)
    with students([]) as template:
        for number in range(replies):
            plan = [draw.line(k) for k in range(1, 9)]
            code = HOSTILE_CELL.format(requests=draw.random.choice((4, 5, 6, 7)), plan=plan)
            cells = [Cell("code", code, {"nbgrader": {"grade_id": "sum-solution"}})]
            outcome = mark_submission(chapter, cells, template.fileno(), limits, unsafe)
            told = json.dumps([mark.reasons + mark.answers for mark in outcome.marks])
            wrong += [f"{number}: {word} came out" for word in CANARIES if word in told]
            if any(mark.marks for mark in outcome.marks) or len(outcome.marks) != 2:
                wrong.append(f"{number}: {outcome.marks}")
    return wrong


def main() -> int:
    """Run all three and print the counts."""
    import tempfile

    parser = argparse.ArgumentParser()
    parser.add_argument("--replies", type=int, default=100_000)
    parser.add_argument("--forks", type=int, default=2_000)
    parser.add_argument("--processes", type=int, default=300)
    parser.add_argument("--unsafe", action="store_true", help="where there is no sandbox")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        chapter = fuzz_chapter(Path(folder))
        full, wrong = in_this_process(chapter, options.replies)
        print(f"{options.replies} replies read, checked and tested: {full} right ones got their "
              f"marks, {len(wrong)} went wrong", flush=True)  # fmt: skip
        more = in_forks(chapter, options.forks)
        print(f"{options.forks} in processes of their own: {len(more)} went wrong", flush=True)
        last = in_sandboxes(chapter, options.processes, options.unsafe)
        print(f"{options.processes} cells that took over the conversation: {len(last)} went wrong")
    for line in [*wrong, *more, *last][:20]:
        print(line)
    return 1 if wrong or more or last else 0


if __name__ == "__main__":
    sys.exit(main())
