"""Answers as plain data: what crosses the wall between a student's code and the hidden tests.

Only values are let through, never objects with behaviour: nothing that arrives on the trusted
side can run code there, as a pickle could, or answer "equal" to everything. A function stays
where it is, and the other side holds a name by which to call it. Everything is bounded before
it is read: the bytes of a line, the items in it, their depth, the bits of a number.
"""

import base64
import json
import math
import re
from collections.abc import Callable
from fractions import Fraction
from typing import Any

MOST_DEPTH = 60
MOST_BYTES = 32 * 2**20  # of an array
MOST_LINE = 48 * 2**20  # of a whole reply, arrays in base64 included
MOST_ITEMS = 1_000_000
MOST_BITS = 2**14
MOST_NESTED = 4 * MOST_DEPTH + 20  # of JSON, where a dict in a dict is three deep
ARRAY_KINDS = "biufcU"
DTYPE = re.compile(r"[<>|=]?(b1|[iu][1248]|f(2|4|8|16)|c(8|16|32)|U\d{1,5})")

Remember = Callable[[Callable[..., Any]], str]
Proxy = Callable[[str], Callable[..., Any]]


class NotPlain(ValueError):
    """A value that cannot cross: neither plain data nor a function."""


def encode(value: Any, remember: Remember | None = None, depth: int = 0) -> Any:
    """Return a value as what JSON can hold.

    Parameters
    ----------
    value : object
        None, numbers, strings, tuples, lists, sets, dicts, NumPy arrays and scalars, torch
        tensors, fractions, exact integers of other libraries, an Architecture; a function if
        `remember` is given.
    remember : callable, optional
        Takes a function and returns the name by which the other side may call it.
    depth : int
        How deep in a larger value this one lies.

    Raises
    ------
    NotPlain
        If the value is anything else, is nested too deeply, or is too large.

    Examples
    --------
    >>> decode(encode({"cut": (2, 5, 6), "norm": 0.5j}))
    {'cut': (2, 5, 6), 'norm': 0.5j}
    """
    if depth > MOST_DEPTH:
        raise NotPlain("a value nested too deeply")
    kind = type(value)
    if value is None or kind in (bool, str):
        return value
    if kind is int:
        if value.bit_length() > MOST_BITS:
            raise NotPlain(f"an integer of more than {MOST_BITS} bits")
        return value if abs(value) < 2**53 else {"int": hex(value)}
    if kind is float:
        return value if math.isfinite(value) else {"float": repr(value)}
    if kind is complex:
        return {"complex": [repr(value.real), repr(value.imag)]}
    if kind in (list, tuple, set, frozenset):
        return {kind.__name__: [encode(item, remember, depth + 1) for item in value]}
    if kind is dict:
        pairs = [[encode(x, remember, depth + 1) for x in pair] for pair in value.items()]
        return {"dict": pairs}
    return _encode_object(value, kind, remember, depth)


def _encode_object(value: Any, kind: type, remember: Remember | None, depth: int) -> Any:
    """Return an object of a library as what JSON can hold."""
    name = f"{kind.__module__}.{kind.__qualname__}"
    if name == "numpy.ndarray" or (kind.__module__ == "numpy" and hasattr(value, "dtype")):
        return _encode_array(value)
    if name in ("torch.Tensor", "torch.nn.parameter.Parameter"):
        return {"tensor": _encode_array(value.detach().cpu().resolve_conj().numpy())}
    if name == "fractions.Fraction":
        return {"fraction": [encode(value.numerator), encode(value.denominator)]}
    if name == "convac_lib.architecture.Architecture":
        fields = (value.n_sites, value.window, value.local_dim, value.channels, value.n_outputs)
        return {"architecture": encode(fields, remember, depth + 1)}
    if kind is range:
        if len(value) > MOST_ITEMS:
            raise NotPlain(f"a range of more than {MOST_ITEMS} numbers")
        return encode(list(value), remember, depth)
    if kind.__module__.startswith("flint") and hasattr(value, "__index__"):
        return encode(int(value))
    if kind.__module__.startswith("flint") and hasattr(value, "p"):
        return {"fraction": [encode(int(value.p)), encode(int(value.q))]}
    if callable(value) and remember is not None and not isinstance(value, type):
        return {"function": remember(value)}
    raise NotPlain(f"of type {kind.__name__}; hand in numbers, text, lists, dicts or arrays")


def _encode_array(value: Any) -> Any:
    """Return an array or a NumPy scalar with its type, shape and bytes."""
    import numpy as np

    array = np.asarray(value)
    if array.dtype.kind not in ARRAY_KINDS:
        raise NotPlain(f"an array of dtype {array.dtype}; hand in an array of numbers")
    if array.nbytes > MOST_BYTES:
        raise NotPlain(f"an array of more than {MOST_BYTES // 2**20} MB")
    packed = base64.b64encode(np.ascontiguousarray(array).tobytes()).decode()
    kind = "array" if isinstance(value, np.ndarray) else "scalar"
    return {kind: [array.dtype.str, list(array.shape), packed]}


def read_line(line: bytes) -> Any:
    """Return what a line of JSON from hostile code holds, if it is of a size that can be read.

    Raises
    ------
    NotPlain
        If it is no JSON, or holds more than an answer can.
    """
    items = sum(line.count(mark) for mark in (b"[", b"{", b","))
    if len(line) > MOST_LINE or items > MOST_ITEMS:
        raise NotPlain("more than can be an answer")
    try:
        data = json.loads(line)
    except (ValueError, RecursionError, MemoryError) as error:
        raise NotPlain("no JSON") from error
    if _is_deeper(data, MOST_NESTED):  # whoever writes or copies it later would end in recursion
        raise NotPlain("a value nested too deeply")
    return data


def _is_deeper(data: Any, most: int) -> bool:
    """Tell whether JSON is nested deeper than that, level by level."""
    level = [data]
    for _ in range(most):
        level = [
            inner
            for one in level
            if isinstance(one, (list, dict))
            for inner in (one.values() if isinstance(one, dict) else one)
        ]
    return bool(level)


def decode(data: Any, proxy: Proxy | None = None) -> Any:
    """Return the value that `encode` packed.

    Parameters
    ----------
    data : object
        What came from JSON; it may come from hostile code, so nothing in it is trusted.
    proxy : callable, optional
        Takes the name of a function on the other side and returns something to call.

    Raises
    ------
    NotPlain
        If the data is not what `encode` writes.
    """
    try:
        return _decode(data, proxy, 0)
    except NotPlain:
        raise
    except Exception as error:
        raise NotPlain("a value that cannot be read back") from error


def _decode(data: Any, proxy: Proxy | None, depth: int) -> Any:
    """Return the value of data that may be badly formed."""
    if depth > MOST_DEPTH + 2:
        raise NotPlain("a value nested too deeply")
    if data is None or isinstance(data, (bool, float, str)):
        return data
    if isinstance(data, int):
        return _bounded(data)
    ((kind, content),) = data.items()
    if kind in ("list", "tuple", "set", "frozenset"):
        make = {"list": list, "tuple": tuple, "set": set, "frozenset": frozenset}[kind]
        return make(_decode(item, proxy, depth + 1) for item in _listed(content))
    if kind == "dict":
        pairs = (_listed(pair, 2) for pair in _listed(content))
        return {_decode(k, proxy, depth + 1): _decode(v, proxy, depth + 1) for k, v in pairs}
    if kind == "fraction":
        above, below = (_decode(part, None, depth + 1) for part in _listed(content, 2))
        return Fraction(_integer(above), _integer(below))
    if kind in ("array", "scalar"):
        array = _decode_array(*_listed(content, 3))
        return array if kind == "array" else array[()]
    if kind == "tensor":
        import torch

        return torch.from_numpy(_decode_array(*_listed(content["array"], 3)))
    if kind == "architecture":
        from convac_lib.architecture import Architecture

        return Architecture(*_decode(content, None, depth + 1))
    if kind == "function" and proxy is not None:
        return proxy(str(content)[:20])
    return _decode_number(kind, content)


def _decode_number(kind: Any, content: Any) -> Any:
    """Return a number that JSON has no form for."""
    if kind == "int":
        if len(content) > MOST_BITS // 4 + 3:
            raise NotPlain(f"an integer of more than {MOST_BITS} bits")
        return int(content, 16)
    if kind == "float":
        return float(content[:64])
    if kind == "complex":
        real, imaginary = (float(part[:64]) for part in _listed(content, 2))
        return complex(real, imaginary)
    raise NotPlain(f"a value of an unknown kind {str(kind)[:40]!r}")


def _listed(content: Any, length: int | None = None) -> list[Any]:
    """Return a list that must be one, of a length that may be given."""
    if not isinstance(content, list) or length not in (None, len(content)):
        raise NotPlain("a value that cannot be read back")
    return content


def _integer(value: Any) -> int:
    """Return an integer that must be one."""
    if type(value) is not int:
        raise NotPlain("a value that cannot be read back")
    return _bounded(value)


def _bounded(value: int) -> int:
    """Return an integer that has not too many bits."""
    if value.bit_length() > MOST_BITS:
        raise NotPlain(f"an integer of more than {MOST_BITS} bits")
    return value


def _decode_array(dtype: Any, shape: Any, packed: Any) -> Any:
    """Return an array of numbers from its type, shape and bytes."""
    import numpy as np

    if not isinstance(dtype, str) or not DTYPE.fullmatch(dtype):
        raise NotPlain("an array of objects")
    sizes = [_integer(size) for size in _listed(shape)]
    if not all(0 <= size <= MOST_BYTES for size in sizes):
        raise NotPlain("an array of an odd shape")
    flat = np.frombuffer(base64.b64decode(packed, validate=True), dtype=dtype)
    if flat.dtype.kind == "b":  # a byte other than 0 and 1 would be neither true nor false
        flat = flat.view(np.uint8) != 0
    if flat.dtype.kind == "U" and flat.size and flat.view(f"{dtype[0]}u4").max() > 0x10FFFF:
        raise NotPlain("an array of what is no text")
    return flat.reshape(sizes).copy()
