"""Convolutional arithmetic circuits as tensor networks.

One description, :class:`~convac_lib.architecture.Architecture`, and one
partition of its sites; from these two everything else follows: the
coefficients tensor, the tensor network, the minimal cut, the exact rank, and
the trainable model.
"""

from importlib import import_module

__version__ = "0.1.0"

# Every name below is imported on first use, so that the exact core never loads
# torch and `import convac_lib` stays quick.
_HOME = {
    "Architecture": "architecture",
    "min_cut": "cuts",
    "certify_rank": "ranks",
    "ConvAC": "learning.models",
    "ConvNet": "learning.models",
}

__all__ = [*_HOME, "__version__"]


def __getattr__(name):
    if name in _HOME:
        return getattr(import_module(f"{__name__}.{_HOME[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__():
    return sorted({*globals(), *_HOME})
