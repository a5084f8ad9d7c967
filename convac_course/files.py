"""All files in a folder and in the zips in it, read in place; nothing is unpacked to disk.

What lies there comes from students and their platforms: links are not followed, sizes and depths
are bounded, and whatever is passed over is named with the reason.
"""

import io
import os
import re
import stat
import struct
import unicodedata
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import IO

from .notebooks import LARGEST, Unreadable

LARGEST_ZIP_INSIDE = 200 * 2**20
MOST_ENTRIES = 20_000
MOST_DEPTH = 3
NOTEBOOKS = re.compile(r"\.ipynb(\.txt|\.json|\.html?)?$|\.json$", re.I)
LEFT, HIDDEN = "left there by a system", "hidden"
LEFT_BY_SYSTEMS = (".ds_store", "thumbs.db", "desktop.ini", "icon\r")
LEFT_FOLDERS = ("__macosx", ".ipynb_checkpoints", "__pycache__", ".git", ".trash-0")


@dataclass(frozen=True)
class Part:
    """A folder or a zip on the way to a file, by its name without `.zip`."""

    name: str
    zipped: bool = False


@dataclass(frozen=True)
class Found:
    """A file: the parts of the way to it, its name, when it was changed, and its bytes."""

    parts: tuple[Part, ...]
    name: str
    changed: float
    read: Callable[[], bytes]

    @property
    def stem(self) -> str:
        """Return the name without what says that it is a notebook."""
        return NOTEBOOKS.sub("", self.name)

    @property
    def where(self) -> str:
        """Return where the file lies, to read."""
        return "/".join([f"{part.name}{'.zip' * part.zipped}" for part in self.parts] + [self.name])


@dataclass(frozen=True)
class PassedOver:
    """Something that was not read, and why."""

    where: str
    why: str
    parts: tuple[Part, ...] = ()


def walk(folder: str | Path) -> Iterator[Found | PassedOver]:
    """Yield all files in a folder, in a fixed order, and what was passed over.

    Raises
    ------
    ValueError
        If the folder does not exist.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise ValueError(f"the submissions must be a folder, got {str(folder)!r}")
    for home, folders, files in os.walk(folder, followlinks=False):
        parts = tuple(Part(name_of(one)) for one in Path(home).relative_to(folder).parts)
        for name in sorted(folders):
            if reason := _of_a_system(name):
                yield PassedOver(_where(parts, name), reason, parts)
            elif os.path.islink(os.path.join(home, name)):
                yield PassedOver(_where(parts, name), "it is a link to another folder", parts)
            elif not os.listdir(os.path.join(home, name)):
                here = (*parts, Part(name_of(name)))
                yield PassedOver(_where(parts, name), "the folder is empty", here)
        folders[:] = sorted(n for n in folders if not _of_a_system(n))
        for name in sorted(files):
            yield from _file(os.path.join(home, name), parts, name)


def name_of(name: str) -> str:
    """Return a name in the form that all systems share; what is no text becomes a mark."""
    return unicodedata.normalize("NFC", name.encode("utf-8", "backslashreplace").decode())


def _where(parts: tuple[Part, ...], name: str) -> str:
    """Return where something lies, to read."""
    return Found(parts, name_of(name), 0, bytes).where


def _of_a_system(name: str) -> str | None:
    """Return why a name is one that systems leave behind, or None."""
    small = name.lower()
    if small in LEFT_BY_SYSTEMS or small in LEFT_FOLDERS or small.startswith("._"):
        return LEFT
    return HIDDEN if small.startswith(".") else None


def _file(path: str, parts: tuple[Part, ...], name: str) -> Iterator[Found | PassedOver]:
    """Yield a file, or the files in it if it is a zip."""
    where = _where(parts, name)
    if reason := _of_a_system(name):
        yield PassedOver(where, reason, parts)
    elif name.lower().endswith(".zip"):
        try:
            with _opened(path) as file:
                yield from _zip(file, (*parts, Part(name_of(name)[:-4], True)), where)
        except Unreadable as error:
            yield PassedOver(where, str(error), parts)
    else:
        changed = os.lstat(path).st_mtime
        yield Found(parts, name_of(name), changed, lambda: _read(path))


def _opened(path: str) -> IO[bytes]:
    """Open a file that must be a file of its own and not a link."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError as error:
        link = os.path.islink(path)
        why = "is a link to another file" if link else f"cannot be opened: {error.strerror}"
        raise Unreadable(f"it {why}") from error
    file = os.fdopen(descriptor, "rb")
    about = os.fstat(descriptor)
    if not stat.S_ISREG(about.st_mode) or about.st_nlink > 1:
        file.close()
        plain = stat.S_ISREG(about.st_mode)
        raise Unreadable("it is a link to another file" if plain else "it is not a plain file")
    return file


def _read(path: str) -> bytes:
    """Return the bytes of a file that is not too large."""
    with _opened(path) as file:
        return _bounded(file.read(LARGEST + 1))


def _bounded(data: bytes) -> bytes:
    """Return bytes that are not too many."""
    if len(data) > LARGEST:
        raise Unreadable(f"it is larger than {LARGEST // 2**20} MB")
    return data


def _zip(file: IO[bytes], parts: tuple[Part, ...], where: str) -> Iterator[Found | PassedOver]:
    """Yield the files in a zip, and in the zips in it."""
    try:
        archive = zipfile.ZipFile(file)
        entries = archive.infolist()
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError, struct.error):
        yield PassedOver(where, "the zip is damaged", parts)
        return
    if len(entries) > MOST_ENTRIES:
        yield PassedOver(where, f"the zip holds more than {MOST_ENTRIES} files", parts)
        return
    files = [entry for entry in entries if not entry.is_dir()]
    if not files:
        yield PassedOver(where, "the zip is empty", parts)
    for entry in sorted(files, key=lambda entry: entry.filename):
        steps = _entry_name(entry).split("/")
        *folders, name = [one for one in steps if one not in ("", ".", "..")] or ["?"]
        here = (*parts, *(Part(one) for one in folders))
        odd = next(filter(None, map(_of_a_system, (*folders, name))), None)
        if odd or entry.flag_bits & 1:
            yield PassedOver(_where(here, name), odd or "it needs a password", here)
        elif name.lower().endswith(".zip"):
            yield from _zip_inside(archive, entry, (*here, Part(name[:-4], True)))
        else:
            changed = _changed(entry)
            # Read at once: the archive is closed when the walk goes on.
            yield Found(here, name, changed, _reader(archive, entry))


def _zip_inside(
    archive: zipfile.ZipFile, entry: zipfile.ZipInfo, parts: tuple[Part, ...]
) -> Iterator[Found | PassedOver]:
    """Yield the files of a zip that lies in another."""
    where = _where(parts[:-1], f"{parts[-1].name}.zip")
    if sum(part.zipped for part in parts) > MOST_DEPTH:
        yield PassedOver(where, f"a zip in more than {MOST_DEPTH - 1} others", parts)
        return
    try:
        data = _entry(archive, entry, LARGEST_ZIP_INSIDE)
    except Unreadable as error:
        yield PassedOver(where, str(error), parts)
    else:
        yield from _zip(io.BytesIO(data), parts, where)


def _reader(archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> Callable[[], bytes]:
    """Return what reads an entry of a zip."""
    return lambda: _entry(archive, entry, LARGEST)


def _entry(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, most: int) -> bytes:
    """Return the bytes of an entry, whatever size it says that it has."""
    try:
        with archive.open(entry) as file:
            data = file.read(most + 1)
    except Exception as error:  # a damaged zip raises errors of many kinds
        raise Unreadable("the zip is damaged here") from error
    if len(data) > most:
        raise Unreadable(f"it is larger than {most // 2**20} MB")
    return data


def _entry_name(entry: zipfile.ZipInfo) -> str:
    """Return an entry's name; some systems write UTF-8 and do not say so."""
    name = entry.filename.replace("\\", "/")
    if not entry.flag_bits & 0x800:
        try:
            name = name.encode("cp437").decode("utf-8")
        except (UnicodeEncodeError, UnicodeDecodeError):
            pass
    return name_of(name)


def _changed(entry: zipfile.ZipInfo) -> float:
    """Return when an entry was changed, in seconds, or 0 if it does not say."""
    try:
        return datetime(*entry.date_time).timestamp()
    except (ValueError, OverflowError, OSError):
        return 0.0
