"""Formulas of the pages: what follows them, and how they read in one line of text."""

import os
import subprocess
import sys
from xml.etree import ElementTree

import pytest
from docutils import nodes
from load_script import load_script

math = load_script("book/_ext/convac_math.py")


def paragraph(*parts):
    """Return a page of one paragraph: a tuple is a formula."""
    found = [
        nodes.math("", part[0]) if isinstance(part, tuple) else nodes.Text(part) for part in parts
    ]
    page = nodes.document(None, None)
    page += nodes.paragraph("", "", *found)
    return page


@pytest.mark.parametrize(
    "parts, kept",
    [
        (("Take ", ("r_0",), ". Then"), ["r_0."]),
        (("of ", ("M",), ", ", ("N",), "; and"), ["M,", "N;"]),
        (("(see ", (r"\mathcal{A}",), "), or"), [r"\mathcal{A}),"]),
        (("Take ", ("r_0",), " again"), []),
        (("At the end ", ("r_0",)), []),
        (("Long: ", ("a + b + c + d + e + f + g + h",), "."), []),  # must be free to break
    ],
)
def test_a_short_formula_keeps_what_follows_it(parts, kept):
    page = paragraph(*parts)
    before = page.astext()
    math.keep_together(None, page, "page")
    assert page.astext() == before
    together = [node for node in page.findall(nodes.inline) if "unbroken" in node["classes"]]
    assert [node.astext() for node in together] == kept


@pytest.mark.parametrize(
    "written, told",
    [
        ("<msup><mn>2</mn><mn>64</mn></msup>", "2⁶⁴"),
        ("<msup><mi>M</mi><mrow><mi>N</mi><mo>/</mo><mn>2</mn></mrow></msup>", "M^(N/2)"),
        ("<msubsup><mi>r</mi><mn>0</mn><mn>2</mn></msubsup>", "r₀²"),
        ("<mfrac><mn>1</mn><msqrt><mn>2</mn></msqrt></mfrac>", "1/√(2)"),
        (
            "<mtable><mtr><mtd><mn>1</mn></mtd><mtd><mn>2</mn></mtd></mtr>"
            "<mtr><mtd><mn>3</mn></mtd><mtd><mn>4</mn></mtd></mtr></mtable>",
            "1 2; 3 4",
        ),
        ("<msup><mi>z</mi><mo>′</mo></msup>", "z′"),
        ("<munderover><mo>∑</mo><mi>j</mi><mi>N</mi></munderover>", "∑_j^N"),
    ],
)
def test_a_formula_reads_in_one_line(written, told):
    assert math.in_a_line(ElementTree.fromstring(f"<math>{written}</math>")) == told


@pytest.fixture
def server(tmp_path, monkeypatch):
    """A stand-in for Node.js, which runs the lines it is given; `path` is the socket's."""

    def made(lines):
        program = tmp_path / "node"
        head = (
            f"#!{sys.executable}\nimport socket, sys, time\npath = sys.argv[3]\n"
            "s = socket.socket(socket.AF_UNIX)\n"
        )
        program.write_text(head + lines)
        program.chmod(0o755)
        monkeypatch.setattr(math.katex, "NODEJS_BINARY", str(program))
        return tmp_path

    return made


@pytest.mark.skipif(os.name == "nt", reason="the library takes a port there")
def test_a_server_that_listens_a_moment_after_its_socket_is_there_is_waited_for(server):
    folder = server("s.bind(path); time.sleep(0.3); s.listen(); s.accept()[0].sendall(b'here')")
    process, connection = math.start_typesetting(folder, 60)
    with connection:
        assert connection.recv(4) == b"here"
    process.kill()
    process.wait()


@pytest.mark.skipif(os.name == "nt", reason="the library takes a port there")
@pytest.mark.parametrize(
    "lines, seconds", [("sys.exit(1)", 60), ("s.bind(path); time.sleep(600)", 0.5)]
)
def test_a_server_that_does_not_start_is_ended_and_said(server, lines, seconds, monkeypatch):
    started = []
    popen = subprocess.Popen
    monkeypatch.setattr(
        subprocess, "Popen", lambda *a, **k: started.append(popen(*a, **k)) or started[-1]
    )
    with pytest.raises(math.katex.KaTeXError, match=r"node.* did not start"):
        math.start_typesetting(server(lines), seconds)
    assert started[0].returncode is not None
