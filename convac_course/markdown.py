"""From the book's MyST to the markdown that any notebook viewer shows.

A statement in the book uses directives, roles and TeX macros that JupyterLab or Colab show as
raw text. Here hints become <details>, an exercise becomes a heading, macros are written out.
A directive that is not known is refused, so that nothing raw reaches a student.
"""

import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

Macros = dict[str, Any]
FENCE = re.compile(r"^[ \t]*(`{3,}|:{3,}|~{3,})\{([\w:-]+)\}[ \t]*(.*?)[ \t]*$")
CODE = re.compile(r"^[ \t]*(`{3,}|~{3,})[\w-]*[ \t]*$")
OPTION = re.compile(r"^[ \t]*:([\w-]+):[ \t]*(.*)$")
ROLE = re.compile(r"\{([\w:-]+)\}`([^`]+)`")
LINK = re.compile(r"(?<!!)\[([^\]]+)\]\((?!https?:|mailto:)[^)\s]*\)")
GATES = ("exercise-start", "exercise-end", "solution-start", "solution-end")
ADMONITIONS = ("admonition", "note", "tip", "hint", "important", "warning", "caution", "seealso")


def plain(text: str, titles: dict[str, str] | None = None, macros: Macros | None = None) -> str:
    """Return MyST `text` as plain markdown.

    Parameters
    ----------
    text : str
    titles : dict of str to str, optional
        What to write in place of a reference to each label; see `labelled_titles`.
    macros : dict, optional
        TeX macros to write out, as MathJax's own configuration lists them.

    Raises
    ------
    ValueError
        If the text holds a directive that has no plain form.

    Examples
    --------
    >>> print(plain("See {ref}`the map <parts>`, and {math}`x`."))
    See the map, and $x$.
    """
    written = _blocks(text.split("\n"), titles or {})
    return expand_macros(written, macros or {}).strip("\n")


def _blocks(lines: list[str], titles: dict[str, str]) -> str:
    """Return lines as plain markdown, one directive or block of code at a time."""
    out, position = [], 0
    while position < len(lines):
        line = lines[position]
        directive = FENCE.match(line)
        opened = directive or CODE.match(line)
        if opened:
            end = _closing(opened[1], lines, position + 1)
            body = lines[position + 1 : end]
            if directive:
                out.append(_directive(directive[2], directive[3], body, titles))
            else:
                out += [line, *body, lines[end]]
            position = end + 1
        else:
            if not re.match(r"^\([\w-]+\)=\s*$", line):
                out.append(_inline(line, titles))
            position += 1
    return "\n".join(out)


def _closing(fence: str, lines: list[str], start: int) -> int:
    """Return the number of the line that closes a fence."""
    for number in range(start, len(lines)):
        if lines[number].strip() == fence:
            return number
    raise ValueError(f"a {fence} block is not closed: {lines[start - 1].strip()!r}")


def _directive(name: str, title: str, body: list[str], titles: dict[str, str]) -> str:
    """Return one directive as plain markdown."""
    options = {}
    while body and (option := OPTION.match(body[0])):
        options[option[1]] = option[2]
        body = body[1:]
    if name in GATES:
        return ""
    if name in ("code-block", "code", "code-cell"):
        return "\n".join([f"```{title}", *body, "```"])
    if name == "math":
        return "\n".join(["$$", *body, "$$"])
    inner, title = _blocks(body, titles).strip("\n"), _inline(title, titles)
    if name == "exercise":
        return f"## {title}\n\n{inner}"
    if name in ADMONITIONS or name == "dropdown":
        title = title or name.capitalize()
        if name == "dropdown" or "dropdown" in options.get("class", ""):
            return f"<details>\n<summary>{title}</summary>\n\n{inner}\n\n</details>"
        return _quoted(f"**{title}**\n\n{inner}")
    if name.startswith("prf:"):
        kind = name.removeprefix("prf:").capitalize()
        return _quoted(f"**{kind}{f' ({title})' if title else ''}.** {inner}")
    raise ValueError(f"the directive {{{name}}} has no plain form; write it in another way")


def _quoted(text: str) -> str:
    """Return text as a block quotation."""
    return "\n".join(f"> {line}".rstrip() for line in text.split("\n"))


def _inline(line: str, titles: dict[str, str]) -> str:
    """Write out the roles and links of one line."""
    line = ROLE.sub(lambda found: _role(found[1], found[2], titles), line)
    return LINK.sub(r"\1", line)


def _role(name: str, content: str, titles: dict[str, str]) -> str:
    """Return one role as plain text."""
    if name == "math":
        return f"${content}$"
    explicit = re.fullmatch(r"(.*?)\s*<[^<>]+>", content, re.S)
    if explicit:
        return explicit[1]
    if name.startswith("cite"):
        keys = [key.strip() for key in content.split(",")]
        cited = "; ".join(titles.get(key, key) for key in keys)
        return f"({cited})" if name in ("cite", "cite:p") else cited
    if name == "eq":
        return "the chapter's equation"
    if name in ("ref", "numref", "prf:ref", "doc"):
        return titles.get(content, "the chapter")
    return content


def labelled_titles(texts: Iterable[str], bibliography: str | Path | None = None) -> dict[str, str]:
    """Return what to write for each label and citation key that some texts define.

    Parameters
    ----------
    texts : iterable of str
        The chapter's markdown cells.
    bibliography : path, optional
        A BibTeX file.
    """
    titles = {}
    for text in texts:
        for kind, title, label in re.findall(
            r"^[`:~]{3,}\{([\w:-]+)\}[ \t]*(.*)\n(?::[^\n]*\n)*?:label:[ \t]*(\S+)", text, re.M
        ):
            noun = kind.removeprefix("prf:")
            titles[label] = f"the {noun} “{title}”" if title else f"the chapter's {noun}"
        for label, heading in re.findall(r"^\(([\w-]+)\)=\s*\n+#+[ \t]+(.+)$", text, re.M):
            titles[label] = f"“{heading}”"
    if bibliography and Path(bibliography).is_file():
        titles.update(_citations(bibliography))
    return titles


def _citations(path: str | Path) -> dict[str, str]:
    """Return 'Levine et al., 2018' for each key of a BibTeX file."""
    from pybtex.database import parse_file

    cited = {}
    for key, entry in parse_file(str(path)).entries.items():
        people = entry.persons.get("author") or entry.persons.get("editor") or []
        names = [" ".join(person.last_names).strip("{}") for person in people]
        if len(names) > 2:
            names = [f"{names[0]} et al."]
        cited[key] = f"{' and '.join(names) or key}, {entry.fields.get('year', 'n.d.')}"
    return cited


def read_macros(config: str | Path) -> Macros:
    """Return the TeX macros of a Jupyter Book's _config.yml; none if there is no such file."""
    if not Path(config).is_file():
        return {}
    import yaml

    settings = yaml.safe_load(Path(config).read_text(encoding="utf-8"))
    options = settings.get("sphinx", {}).get("config", {})
    return options.get("mathjax3_config", {}).get("tex", {}).get("macros", {})


def expand_macros(text: str, macros: Macros) -> str:
    r"""Write out TeX macros with their arguments in braces.

    Examples
    --------
    >>> expand_macros(r"$\ket{a}$", {"ket": [r"|#1\rangle", 1]})
    '$|a\\rangle$'
    """
    for name, macro in macros.items():
        body, count = macro if isinstance(macro, list) else (macro, 0)
        pattern = re.compile(rf"\\{name}(?![A-Za-z])")
        while found := pattern.search(text):
            arguments, end = _arguments(text, found.end(), count)
            filled = body
            for number, argument in enumerate(arguments, 1):
                filled = filled.replace(f"#{number}", argument)
            text = text[: found.start()] + filled + text[end:]
    return text


def _arguments(text: str, position: int, count: int) -> tuple[list[str], int]:
    """Return `count` arguments in braces from `position` on, and where they end."""
    arguments = []
    for _ in range(count):
        start = position + len(text[position:]) - len(text[position:].lstrip())
        if text[start : start + 1] != "{":
            arguments.append(text[start : start + 1])
            position = start + 1
            continue
        depth, end = 1, start + 1
        while depth and end < len(text):
            depth += {"{": 1, "}": -1}.get(text[end], 0)
            end += 1
        arguments.append(text[start + 1 : end - 1])
        position = end
    return arguments, position
