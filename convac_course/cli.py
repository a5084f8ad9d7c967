"""The command `convac-course`: assignments out, grades in."""

import os
from datetime import datetime
from pathlib import Path
from typing import Annotated, NoReturn

import typer

from .build import OtherNumbers, build_assignment
from .chapters import Chapter, read_book
from .variants import count_variants, in_words

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Assignments from the book's exercises: make them, grade them.",
)
Book = Annotated[Path, typer.Option(help="The folder with the chapters.")]
Course = Annotated[Path, typer.Option(help="The course folder it is for.")]
Grades = Annotated[Path, typer.Option(help="The table of grades.")]
Jobs = Annotated[int | None, typer.Option(min=1, help="How many at once.")]


@app.command("list")
def list_chapters(book: Book = Path("book")) -> None:
    """Show which chapters make an assignment, with exercises, points and variants."""
    for name, chapter in _chapters(book).items():
        variants = min((count_variants(exercise) for exercise in chapter.graded), default=0)
        typer.echo(
            f"{name}: {len(chapter.graded)} graded, {len(chapter.exercises) - len(chapter.graded)} "
            f"open, {chapter.points:g} points, {variants} variants"
        )
        for exercise in chapter.exercises:
            points = f"{exercise.points:g} points" if exercise.graded else "open"
            typer.echo(f"    {exercise.name}: {exercise.title} ({points})")


@app.command()
def build(
    chapter: Annotated[str, typer.Argument(help="A chapter's name, or all.")],
    to: Annotated[Path, typer.Option(help="The course folder to make or to add to.")],
    variant: Annotated[str | None, typer.Option(help="A seed: numbers not the book's.")] = None,
    group: Annotated[str | None, typer.Option(help="The group that gets these numbers.")] = None,
    open_points: Annotated[
        float, typer.Option(min=0, help="What an open exercise, marked by hand, is worth.")
    ] = 12,
    force: Annotated[bool, typer.Option("--force", help="Replace handed-out numbers.")] = False,
    book: Book = Path("book"),
) -> None:
    """Make a chapter's assignment: notebooks for students, for the teacher and for nbgrader."""
    chapters = _chapters(book)
    for name in _named(chapter, chapters):
        try:
            made = build_assignment(chapters[name], to, variant, group, open_points, force)
        except OtherNumbers as error:
            _stop(f"Nothing was made: {error}.")
        except ValueError as error:
            _stop(str(error))
        own = made.assignment
        typer.echo(f"for students:  {to / 'release' / own / f'{own}.ipynb'}")
        if variant is not None:
            typer.echo(f"its numbers:   {in_words(made.notebook.course['draw'])}")
    typer.echo(f"for you:       {to / 'instructor'} and {to / 'source'}, which hold the solutions")
    typer.echo(f"what comes back goes in {to / 'submitted'}, as it comes")


@app.command()
def grade(
    submissions: Annotated[Path, typer.Argument(help="The folder with what was handed in.")],
    to: Grades = Path("grades.csv"),
    course: Annotated[Path | None, typer.Option(help="The course folder it is for.")] = None,
    roster: Annotated[Path | None, typer.Option(help="A table of the students.")] = None,
    due: Annotated[datetime | None, typer.Option(help="What comes later is late.")] = None,
    jobs: Jobs = None,
    cell_seconds: Annotated[float, typer.Option(min=1, help="Time for one cell.")] = 60,
    total_seconds: Annotated[float, typer.Option(min=1, help="Time for one submission.")] = 300,
    memory: Annotated[int, typer.Option(min=512, help="Megabytes for one submission.")] = 2048,
    unsafe: Annotated[bool, typer.Option("--unsafe", help="Grade without a sandbox.")] = False,
    again: Annotated[bool, typer.Option("--again", help="Grade also what was graded.")] = False,
) -> None:
    """Grade a folder of submissions; run it again to go on after an interruption."""
    _on_a_system_that_grades()
    from .grading import grade as grade_folder
    from .sandbox import Limits, missing_for_a_sandbox

    missing = None if unsafe else missing_for_a_sandbox()
    if missing:
        _stop(
            f"{missing}.\nNothing was graded. With --unsafe the notebooks run as you, with your "
            "files and your network\nin reach: do that only with notebooks that you trust."
        )
    limits = Limits(cell_seconds=cell_seconds, total_seconds=total_seconds, memory=memory)
    home = course or submissions.parent
    try:
        done = grade_folder(submissions, home, to, roster, due, limits, jobs, unsafe, again)
    except ValueError as error:
        _stop(str(error))
    except KeyboardInterrupt:
        _stop(f"Stopped. What was graded is in {to}; run the same command again to go on.")
    full = sum(result.full for result in done.results)
    nothing = sum(not result.marks for result in done.results)
    typer.echo(
        f"{len(done.results)} submissions: {full} with full marks, {nothing} with nothing to "
        f"grade; {done.marked} were run, {done.tested} tested again from what was kept"
    )
    for path in done.files:
        typer.echo(f"    {path}")


@app.command()
def regrade(
    exercise: Annotated[str, typer.Argument(help="The exercise whose test was mended.")],
    course: Course,
    to: Grades = Path("grades.csv"),
    jobs: Jobs = None,
    yes: Annotated[bool, typer.Option("--yes", help="Replace the marks without asking.")] = False,
) -> None:
    """Test the kept answers to one exercise again; the difference is shown first."""
    _on_a_system_that_grades()
    from .grading import accept
    from .grading import regrade as test_again

    try:
        done = test_again(exercise, course, to, jobs=jobs)
    except ValueError as error:
        _stop(str(error))
    for change in done.changes:
        why = f" ({'; '.join(change.new.reasons)})" if change.new.reasons else ""
        typer.echo(
            f"{change.result.student}, {change.result.assignment}: "
            f"{change.old.marks:g} becomes {change.new.marks:g}{why}"
        )
    typer.echo(f"{len(done.fresh)} answers were tested again, {len(done.changes)} marks change")
    for result in done.lacking:
        typer.echo(f"{result.student}: the answer was not kept; grade again")
    if done.fresh and (yes or typer.confirm("Replace the old marks?")):
        accept(done, course, to)
        typer.echo(f"written: {to}")
    else:
        typer.echo("Nothing was replaced.")


@app.command()
def prove(
    chapter: Annotated[str, typer.Argument(help="A chapter's name, or all.")] = "all",
    answers: Annotated[Path, typer.Option(help="Where CHAPTER.toml lie.")] = Path("tests/graders"),
    book: Book = Path("book"),
) -> None:
    """Mark the stored answers, the solutions and blanks, and compare with what each deserves."""
    from .proving import BLANK, SOLUTION_ITSELF, lacking, read_answers
    from .proving import prove as prove_chapter

    chapters, unfair = _chapters(book), []
    typer.echo(f"{'chapter':16} exercises  solution full  blank zero  answers as deserved")
    for name in _named(chapter, chapters):
        path = answers / f"{name}.toml"
        given = read_answers(path) if path.exists() else {}
        verdicts = list(prove_chapter(chapters[name], given))
        unfair += [f"{name}: {line}" for line in lacking(chapters[name], given)]
        unfair += [f"{name}: {verdict}" for verdict in verdicts if not verdict.fair]
        kinds = [SOLUTION_ITSELF, BLANK]
        parts = [[v for v in verdicts if v.what == kind] for kind in kinds]
        parts.append([verdict for verdict in verdicts if verdict.what not in kinds])
        cells = [f"{sum(v.fair for v in part)} of {len(part)}" for part in parts]
        count = len(chapters[name].graded)
        typer.echo(f"{name:16} {count:9}  {cells[0]:>13}  {cells[1]:>10}  {cells[2]:>19}")
    if unfair:
        typer.echo("\n" + "\n".join(unfair), err=True)
        raise typer.Exit(1)


def _on_a_system_that_grades() -> None:
    """Stop where there are no processes as grading needs them."""
    if os.name != "posix":
        _stop("grading needs Linux or macOS; on Windows, use the Windows Subsystem for Linux")


def _chapters(book: Path) -> dict[str, Chapter]:
    """Return the chapters that make an assignment, by name."""
    try:
        chapters = {name: chapter for name, chapter in read_book(book).items() if chapter.graded}
    except ValueError as error:
        _stop(str(error))
    if not chapters:
        _stop(f"no chapter with a graded exercise below {str(book)!r}; name its folder with --book")
    return chapters


def _named(chapter: str, chapters: dict[str, Chapter]) -> list[str]:
    """Return the chapters that an argument names."""
    if chapter != "all" and chapter not in chapters:
        _stop(f"CHAPTER must be one of {', '.join(chapters)} or all, got {chapter!r}")
    return list(chapters) if chapter == "all" else [chapter]


def _stop(message: str) -> NoReturn:
    """Say what is wrong and end with status 2."""
    typer.echo(message, err=True)
    raise typer.Exit(2)


if __name__ == "__main__":
    app()
