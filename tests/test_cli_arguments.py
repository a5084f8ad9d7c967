"""What every command does with odd terminals, closed pipes, signals and errors."""

import os
import subprocess
import sys

import pytest
import typer

from convac_workbench.cli import arguments as given
from convac_workbench.cli.arguments import integers, one_sentence_errors

CUT = ["cut", "--local-dim", "4", "--channels", "4,2,2", "--partition", "interleaved"]
CODE = "from convac_workbench.cli.app import app; app()"


def convac(*arguments, **how):
    how = {"capture_output": True, "timeout": 120, **how}
    return subprocess.run([sys.executable, "-c", CODE, *arguments], **how)


@pytest.mark.parametrize("encoding", ["utf-8", "cp1252", "cp437", "ascii", "latin-1"])
def test_any_terminal_gets_readable_words(encoding):
    done = convac(*CUT, env={**os.environ, "PYTHONIOENCODING": encoding, "PYTHONUTF8": "0"})
    assert done.returncode == 0 and not done.stderr
    text = done.stdout.decode(encoding)
    assert "?" not in text and "256" in text
    assert any(f"M{power} = 256" in text for power in ("⁴", "^4"))


def test_a_closed_pipe_ends_quietly():
    reader, writer = os.pipe()
    os.close(reader)
    try:
        done = convac(*CUT, capture_output=False, stdout=writer, stderr=subprocess.PIPE)
    finally:
        os.close(writer)
    assert done.returncode == 1 and b"Traceback" not in done.stderr


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="there is no full disk to try")
def test_a_full_disk_is_told():
    with open("/dev/full", "w") as full:
        done = convac(*CUT, capture_output=False, stdout=full, stderr=subprocess.PIPE)
    assert done.returncode != 0
    assert b"No space left" in done.stderr and b"Traceback" not in done.stderr


@pytest.mark.parametrize(
    "error, said",
    [
        (ValueError("x must be 3, got 4"), "convac cut: x must be 3, got 4"),
        (OSError(28, "No space left", "a.pt"), "convac cut: cannot use a.pt: No space left"),
        (MemoryError("2 TiB"), "there is not enough memory (2 TiB)"),
        (RuntimeError(), "convac cut: RuntimeError"),
    ],
)
def test_errors_of_users_and_machines_are_one_sentence(capsys, error, said):
    with pytest.raises(typer.Exit) as ended, one_sentence_errors("cut"):
        raise error
    assert ended.value.exit_code == 2
    assert said in capsys.readouterr().err


def test_a_warning_is_one_sentence_too(capsys):
    import warnings

    with one_sentence_errors("train"):
        warnings.warn("images go up to 255", stacklevel=1)
    assert capsys.readouterr().err == "convac train: note: images go up to 255\n"


def test_integers_between_commas():
    assert integers("--channels", "3,4,5") == (3, 4, 5) and integers("--channels", "") == ()
    with pytest.raises(ValueError, match=r"--channels must be integers .* got '3;4'"):
        integers("--channels", "3;4")


def test_without_torch_the_extra_that_brings_it_is_named(monkeypatch):
    import convac_lib

    monkeypatch.setattr(convac_lib, "find_spec", lambda name: None)
    for name in ("ConvAC", "ConvNet"):
        with pytest.raises(ImportError, match=rf"{name} needs PyTorch: pip install .*\[train\]"):
            getattr(convac_lib, name)
    assert convac_lib.Architecture


def test_an_interrupt_is_a_sentence_and_the_shells_code(capsys):
    with pytest.raises(typer.Exit) as ended, one_sentence_errors("train"):
        raise KeyboardInterrupt
    assert ended.value.exit_code == 130
    assert capsys.readouterr().err == "convac train: interrupted\n"


def test_letters_that_a_terminal_lacks_are_written_in_ascii():
    assert "M⁴ ≤ é ☃ ²".encode("ascii", errors="convac") == b"M^4 <= e ? ^2"
    with pytest.raises(UnicodeDecodeError):
        b"\xff".decode("ascii", errors="convac")


def test_what_needs_torch_says_what_to_install(monkeypatch):
    monkeypatch.setattr(given, "find_spec", lambda name: None)
    with pytest.raises(ValueError, match=r"pip install 'convac-lib\[train\]'"):
        given.require_torch()
