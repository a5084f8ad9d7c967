"""MNIST on disk: fetched once, and never trusted without its checksum.

The four files of LeCun, Cortes and Burges lie gzipped in one folder: the one that
the environment variable CONVAC_DATA names, or the platform's cache. A file that
is there but does not unpack to the known bytes is refused by name and left alone.
"""

import gzip
import hashlib
import os
import tempfile
import zlib
from pathlib import Path
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

MIRRORS = (
    "https://ossci-datasets.s3.amazonaws.com/mnist/",
    "https://storage.googleapis.com/cvdf-datasets/mnist/",
)

Images: TypeAlias = NDArray[np.uint8]

# SHA-256 of the unpacked bytes: mirrors may compress differently.
CHECKSUMS = {
    "train-images-idx3-ubyte": "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
    "train-labels-idx1-ubyte": "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
    "t10k-images-idx3-ubyte": "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
    "t10k-labels-idx1-ubyte": "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
}


def read_mnist() -> tuple[tuple[Images, Images], tuple[Images, Images]]:
    """Return ((images, labels), (images, labels)) of the 60,000 and the 10,000.

    Images are (samples, 28, 28) and labels (samples,), both uint8; files that are missing
    are fetched first.

    Raises
    ------
    ValueError
        If a file is damaged, truncated or swapped for another.
    OSError
        If a file is missing and no mirror gives it.
    """
    folder = data_folder()
    arrays = [_read(folder / f"{name}.gz") for name in CHECKSUMS]
    return (arrays[0], arrays[1]), (arrays[2], arrays[3])


def data_folder() -> Path:
    """Return the folder of the files: CONVAC_DATA, or the platform's cache."""
    named = os.environ.get("CONVAC_DATA")
    if named:
        return Path(named).expanduser()
    from platformdirs import user_cache_path

    return user_cache_path("convac") / "mnist"


def _read(path: Path) -> Images:
    """Return the array in one gzipped IDX file; its checksum has vouched for the header."""
    if not path.exists():
        _fetch(path)
    contents = _verified(path)
    header = 4 + 4 * contents[3]  # the fourth byte is the number of axes
    shape = np.frombuffer(contents, ">u4", contents[3], offset=4)
    return np.frombuffer(contents, np.uint8, offset=header).reshape(shape)


def _verified(path: Path) -> bytes:
    """Return the unpacked bytes of `path`, or raise a ValueError that says what is wrong."""
    try:
        contents = gzip.decompress(path.read_bytes())
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        problem = f"does not unpack ({error})"
    else:
        found = hashlib.sha256(contents).hexdigest()
        if found == CHECKSUMS[path.stem]:
            return contents
        others = [name for name, known in CHECKSUMS.items() if known == found]
        problem = (
            f"holds {others[0]}.gz" if others else "is not the known file (its SHA-256 differs)"
        )
    raise ValueError(
        f"{path.name} {problem}. It was left as it is: {path}. Delete it, or point "
        "CONVAC_DATA at a folder with good files, and it is fetched again"
    )


def _fetch(path: Path) -> None:
    """Fetch a file from the first mirror that gives the right bytes; whole, or not at all."""
    import pooch

    pooch.get_logger().setLevel("WARNING")
    path.parent.mkdir(parents=True, exist_ok=True)
    problems = []
    for mirror in MIRRORS:
        with tempfile.TemporaryDirectory(dir=path.parent) as folder:
            try:
                # The checksum is of the unpacked bytes, so it is checked here, not by pooch.
                pooch.retrieve(mirror + path.name, None, fname=path.name, path=folder)
                _verified(Path(folder, path.name))
            except (OSError, ValueError) as error:
                problems.append(f"{mirror}: {error}")
            else:
                os.replace(Path(folder, path.name), path)
                return
    raise OSError(
        f"{path.name} is not in {path.parent}, and no mirror gave it. "
        "Copy it there, or point CONVAC_DATA at a folder that has it. " + "; ".join(problems)
    )
