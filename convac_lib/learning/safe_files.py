"""Files that are whole or not there: written at once, sealed, and refused if one bit is wrong."""

import hashlib
import io
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

MAGIC = b"\nconvac "


def write_sealed(path: Path, kind: str, contents: dict[str, Any]) -> None:
    """Write tensors and plain values to `path`: whole, or not at all.

    The file is what `torch.save` writes, and reads; and one line more, the seal: the kind,
    and the SHA-256 of what comes before.

    Raises
    ------
    OSError
        If it cannot be written; it names the file.

    Examples
    --------
    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp(), "state.pt")
    >>> write_sealed(path, "checkpoint", {"steps": 3})
    >>> read_sealed(path, "checkpoint")
    {'steps': 3}
    """
    import torch  # here, so that data are read without it

    buffer = io.BytesIO()
    torch.save(contents, buffer)
    data = buffer.getvalue()
    unfinished = path.with_name(f"{path.name}.tmp")
    with naming(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        with open(unfinished, "wb") as file:
            file.write(data + _seal(kind, data))
            file.flush()
            os.fsync(file.fileno())
        os.replace(unfinished, path)


def read_sealed(path: Path, kind: str) -> dict[str, Any]:
    """Return what `write_sealed` wrote, tensors on the CPU.

    Raises
    ------
    ValueError
        If the file is of another kind, or is not what was written. It is left as it is.
    """
    with naming(path):
        whole = path.read_bytes()
    end = whole.rfind(MAGIC)
    data, seal = whole[: max(end, 0)], whole[end:]
    if end < 0 or seal != _seal(kind, data):
        found = seal[len(MAGIC) :].decode("ascii", "replace").split(" ")[0]
        other = end >= 0 and found != kind and seal == _seal(found, data)
        problem = f"is no {kind} but a {found}" if other else f"is no {kind}, or damaged"
        raise ValueError(
            f"{kind} {path} {problem}; it was left as it is: delete it to start again, or name "
            "another file"
        )
    import torch

    contents: dict[str, Any] = torch.load(io.BytesIO(data), map_location="cpu", weights_only=True)
    return contents


@contextmanager
def naming(path: Path) -> Iterator[None]:
    """Make every OSError name `path`: that of a full disk names no file."""
    try:
        yield
    except OSError as error:
        raise OSError(error.errno, error.strerror or str(error), str(path)) from None


def refuse_unwritable(path: Path) -> None:
    """Raise an OSError that names `path` if it cannot be written, before the work is done."""
    with naming(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.exists():
            open(path, "ab").close()
        else:
            path.touch()
            path.unlink()


def _seal(kind: str, data: bytes) -> bytes:
    return MAGIC + f"{kind} {hashlib.sha256(data).hexdigest()}\n".encode()
