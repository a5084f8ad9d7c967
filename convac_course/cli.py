"""The command `convac-course`: assignments out, grades in."""

import os
from pathlib import Path
from typing import Annotated

import typer

from .build import build_assignment
from .chapters import find_chapters, read_chapter
from .variants import count_variants

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Assignments from the book's exercises: make them, grade them.",
)
Book = Annotated[Path, typer.Option(help="The folder with the chapters.")]


@app.command("list")
def list_chapters(book: Book = Path("book")):
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
    book: Book = Path("book"),
):
    """Make a chapter's assignment: notebooks for students, for the teacher and for nbgrader."""
    chapters = _chapters(book)
    if chapter != "all" and chapter not in chapters:
        _stop(f"CHAPTER must be one of {', '.join(chapters)} or all, got {chapter!r}")
    for name in chapters if chapter == "all" else [chapter]:
        try:
            build_assignment(chapters[name].path, to, variant)
        except ValueError as error:
            _stop(str(error))
        typer.echo(f"for students:  {to / 'release' / name / f'{name}.ipynb'}")
    typer.echo(f"for you:       {to / 'instructor'} and {to / 'source'}, which hold the solutions")
    typer.echo(f"what comes back goes in {to / 'submitted'}/STUDENT/CHAPTER/")


@app.command()
def grade(
    submissions: Annotated[Path, typer.Argument(help="The folder with what was handed in.")],
    to: Annotated[Path, typer.Option(help="The table of grades to write.")] = Path("grades.csv"),
    course: Annotated[Path | None, typer.Option(help="The course folder it is for.")] = None,
    jobs: Annotated[int | None, typer.Option(min=1, help="How many at once.")] = None,
    cell_seconds: Annotated[float, typer.Option(min=1, help="Time for one cell.")] = 60,
    total_seconds: Annotated[float, typer.Option(min=1, help="Time for one submission.")] = 300,
    memory: Annotated[int, typer.Option(min=256, help="Megabytes for one submission.")] = 2048,
    unsafe: Annotated[bool, typer.Option("--unsafe", help="Grade without a sandbox.")] = False,
    again: Annotated[bool, typer.Option("--again", help="Grade also what was graded.")] = False,
):
    """Grade a folder of submissions; run it again to go on after an interruption."""
    if os.name != "posix":
        _stop("grading needs Linux or macOS; on Windows, use the Windows Subsystem for Linux")
    from .grading import grade as grade_folder
    from .sandbox import Limits, missing_for_a_sandbox

    missing = None if unsafe else missing_for_a_sandbox()
    if missing:
        _stop(
            f"{missing}.\nNothing was graded. With --unsafe the notebooks run as you, with your "
            "files and your network\nin reach: do that only with notebooks that you trust."
        )
    limits = Limits(cell_seconds=cell_seconds, total_seconds=total_seconds, memory=memory)
    try:
        course = course or submissions.parent
        results = grade_folder(submissions, course, to, limits, jobs, unsafe, again)
    except ValueError as error:
        _stop(str(error))
    except KeyboardInterrupt:
        _stop(f"Stopped. What was graded is in {to}; run the same command again to go on.")
    full = sum(result["marks"] == result["points"] for result in results)
    typer.echo(f"{len(results)} submissions graded, {full} with full marks: {to}")
    typer.echo(f"feedback for each student: {to.with_name(f'{to.stem}-feedback')}")


@app.command()
def prove(
    chapter: Annotated[str, typer.Argument(help="A chapter's name, or all.")] = "all",
    answers: Annotated[Path, typer.Option(help="Where CHAPTER.toml lie.")] = Path("tests/graders"),
    book: Book = Path("book"),
):
    """Mark the stored answers, the solutions and blanks, and compare with what each deserves."""
    from .proving import BLANK, SOLUTION_ITSELF, lacking, read_answers
    from .proving import prove as prove_chapter

    chapters, unfair = _chapters(book), []
    if chapter != "all" and chapter not in chapters:
        _stop(f"CHAPTER must be one of {', '.join(chapters)} or all, got {chapter!r}")
    typer.echo(f"{'chapter':16} exercises  solution full  blank zero  answers as deserved")
    for name in chapters if chapter == "all" else [chapter]:
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


def _chapters(book):
    """Return the chapters that make an assignment, by name."""
    try:
        chapters = {name: read_chapter(path) for name, path in find_chapters(book).items()}
    except ValueError as error:
        _stop(str(error))
    chapters = {name: chapter for name, chapter in chapters.items() if chapter.graded}
    if not chapters:
        _stop(f"no chapter with a graded exercise below {str(book)!r}; name its folder with --book")
    return chapters


def _stop(message):
    """Say what is wrong and end with status 2."""
    typer.echo(message, err=True)
    raise typer.Exit(2)


if __name__ == "__main__":
    app()
