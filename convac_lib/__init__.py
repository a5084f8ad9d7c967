"""Convolutional arithmetic circuits as tensor networks.

One description, :class:`~convac_lib.architecture.Architecture`, and one
partition of its sites; from these two everything else follows. Read in this order,
each module one step on from those before it:

1. :mod:`~convac_lib.architecture`: which tree, how wide each layer;
2. :mod:`~convac_lib.partitions`: which sites are in A;
3. :mod:`~convac_lib.states`: what is measured between A and B: matricization, entanglement;
4. :mod:`~convac_lib.decompositions`: from weights to the coefficients tensor and the scores;
5. :mod:`~convac_lib.networks`: the same tensor as a network;
6. :mod:`~convac_lib.cuts`: the minimal cut, which bounds the entanglement;
7. :mod:`~convac_lib.modular`, :mod:`~convac_lib.folding` and :mod:`~convac_lib.ranks`: the
   exact rank, certified where it meets the cut;
8. :mod:`~convac_lib.spectra`: the Schmidt spectrum of very many sites.

Then :mod:`convac_lib.learning`, which needs PyTorch. What is done with both, on data and with
questions of one's own, is :mod:`convac_workbench`.
"""

from importlib import import_module
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .architecture import Architecture
    from .cuts import min_cut
    from .learning.models import ConvAC, ConvNet
    from .ranks import certify_rank

__version__ = "0.1.0"
__all__ = ["Architecture", "ConvAC", "ConvNet", "certify_rank", "min_cut"]

# Imported on first use, so that the exact core never loads torch and
# `import convac_lib` stays quick.
_HOME = {
    "Architecture": "architecture",
    "min_cut": "cuts",
    "certify_rank": "ranks",
    "ConvAC": "learning.models",
    "ConvNet": "learning.models",
}


def __getattr__(name: str) -> Any:
    if name in _HOME:
        if _HOME[name].startswith("learning") and find_spec("torch") is None:
            raise ImportError(f"{name} needs PyTorch: pip install 'convac-lib[train]'")
        return getattr(import_module(f"{__name__}.{_HOME[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *_HOME})
