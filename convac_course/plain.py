"""Answers as plain data: what crosses the wall between a student's code and the hidden tests.

Only values are let through, never objects with behaviour: nothing that arrives on the trusted
side can run code there, as a pickle could, or answer "equal" to everything. A function stays
where it is, and the other side holds a name by which to call it.
"""

import base64
import math
from fractions import Fraction

MOST_DEPTH = 60
MOST_BYTES = 32 * 2**20
ARRAY_KINDS = "biufcU"


class NotPlain(ValueError):
    """A value that cannot cross: neither plain data nor a function."""


def encode(value, remember=None, depth=0):
    """Return a value as what JSON can hold.

    Parameters
    ----------
    value : object
        None, numbers, strings, tuples, lists, sets, dicts, NumPy arrays and scalars, torch
        tensors, fractions, exact integers of other libraries, an Architecture; a function if
        `remember` is given.
    remember : callable, optional
        Takes a function and returns the name by which the other side may call it.

    Raises
    ------
    NotPlain
        If the value is anything else, or is nested too deeply.

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


def _encode_object(value, kind, remember, depth):
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
        return encode(list(value), remember, depth)
    if kind.__module__.startswith("flint") and hasattr(value, "__index__"):
        return encode(int(value))
    if kind.__module__.startswith("flint") and hasattr(value, "p"):
        return {"fraction": [encode(int(value.p)), encode(int(value.q))]}
    if callable(value) and remember is not None and not isinstance(value, type):
        return {"function": remember(value)}
    raise NotPlain(f"of type {kind.__name__}; hand in numbers, text, lists, dicts or arrays")


def _encode_array(value):
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


def decode(data, proxy=None):
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


def _decode(data, proxy, depth):
    """Return the value of data that may be badly formed."""
    if depth > MOST_DEPTH + 2:
        raise NotPlain("a value nested too deeply")
    if data is None or isinstance(data, (bool, int, float, str)):
        return data
    ((kind, content),) = data.items()
    if kind in ("list", "tuple", "set", "frozenset"):
        make = {"list": list, "tuple": tuple, "set": set, "frozenset": frozenset}[kind]
        return make(_decode(item, proxy, depth + 1) for item in content)
    if kind == "dict":
        return {_decode(k, proxy, depth + 1): _decode(v, proxy, depth + 1) for k, v in content}
    if kind == "int":
        return int(content, 16)
    if kind == "float":
        return float(content)
    if kind == "complex":
        return complex(float(content[0]), float(content[1]))
    if kind == "fraction":
        return Fraction(*(_decode(part, None, depth + 1) for part in content))
    if kind in ("array", "scalar"):
        array = _decode_array(*content)
        return array if kind == "array" else array[()]
    if kind == "tensor":
        import torch

        return torch.from_numpy(_decode_array(*content["array"]))
    if kind == "architecture":
        from convac_lib.architecture import Architecture

        return Architecture(*_decode(content, None, depth + 1))
    if kind == "function" and proxy is not None:
        return proxy(str(content))
    raise NotPlain(f"a value of an unknown kind {str(kind)[:40]!r}")


def _decode_array(dtype, shape, packed):
    """Return an array of numbers from its type, shape and bytes."""
    import numpy as np

    dtype = np.dtype(str(dtype))
    if dtype.kind not in ARRAY_KINDS or dtype.hasobject:
        raise NotPlain("an array of objects")
    flat = np.frombuffer(base64.b64decode(packed, validate=True), dtype=dtype)
    return flat.reshape([int(n) for n in shape]).copy()
