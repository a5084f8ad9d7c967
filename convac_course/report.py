"""The pages that students and the teacher read after grading. No script, no outside address."""

import re
from html import escape

STYLE = """\
:root { color-scheme: light dark; }
body { font: 1rem/1.5 system-ui, sans-serif; max-width: 44rem; margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.4rem; } h2 { font-size: 1.1rem; margin-top: 2rem; }
table { border-collapse: collapse; } td, th { padding: .2rem .8rem .2rem 0; text-align: left; }
pre { padding: .6rem; border: 1px solid #8886; border-radius: 4px; overflow-x: auto; }
.marks { float: right; font-weight: 600; }
"""
COLOURS = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")


def feedback_page(result):
    """Return one student's page as HTML; all that came from the student is escaped."""
    body = [f"<h1>{_text(result['chapter'])}: {result['marks']:g} of {result['points']:g}</h1>"]
    body.append(f"<p>{_text(result['student'])}</p>")
    if result["problem"]:
        body.append(f"<p><strong>{_sentence(result['problem'])}</strong></p>")
    if result["notes"]:
        items = "".join(f"<li>{_sentence(note)}</li>" for note in result["notes"])
        body.append(f"<ul>{items}</ul>")
    body += [_exercise(mark) for mark in result["exercises"]]
    return _page(f"{result['chapter']}: {result['student']}", body)


def _exercise(mark):
    """Return the part of a page that tells of one exercise."""
    parts = [
        f"<h2><span class='marks'>{mark['marks']:g} of {mark['points']:g}</span>"
        f"{_text(mark['title'])}</h2>"
    ]
    if mark["marks"] == mark["points"]:
        parts.append("<p>Full marks.</p>")
    parts += [f"<p>{_sentence(reason)}</p>" for reason in mark["reasons"]]
    if mark["sentence"]:
        parts.append(f"<p>The check says: <q>{_text(mark['sentence'])}</q></p>")
    if mark["code"]:
        code = "\n\n".join(mark["code"])[:20_000]
        parts.append(f"<details><summary>Your code</summary><pre>{_text(code)}</pre></details>")
    if mark["output"].strip():
        printed = _text(mark["output"][:4_000])
        parts.append(f"<details><summary>What it printed</summary><pre>{printed}</pre></details>")
    return "\n".join(parts)


def overview_page(results):
    """Return the teacher's page: everyone's marks and why some are missing."""
    rows = ["<tr><th>student</th><th>chapter</th><th>marks</th><th>what was in the way</th></tr>"]
    for result in results:
        why = [result["problem"]] if result["problem"] else []
        why += [reason for mark in result["exercises"] for reason in mark["reasons"]]
        why += result["notes"]
        rows.append(
            f"<tr><td>{_text(result['student'])}</td><td>{_text(result['chapter'])}</td>"
            f"<td>{result['marks']:g} of {result['points']:g}</td>"
            f"<td>{_text('; '.join(why))}</td></tr>"
        )
    return _page("Grades", ["<h1>Grades</h1>", "<table>", *rows, "</table>"])


def _page(title, body):
    """Return a whole page."""
    head = f'<meta charset="utf-8"><title>{_text(title)}</title><style>\n{STYLE}</style>'
    start = f'<!doctype html>\n<html lang="en"><head>{head}</head>\n<body>'
    return "\n".join([start, *body, "</body></html>\n"])


def _sentence(text):
    """Return text with a capital and a full stop."""
    text = text[:1].upper() + text[1:]
    return _text(text if text.endswith((".", "!", "?")) else f"{text}.")


def _text(text):
    """Return text that cannot be anything else in a page."""
    return escape(CONTROLS.sub("", COLOURS.sub("", str(text))))
