"""Figures that the reader moves: they compute in the page, with no kernel and no network.

Each explorer is an anywidget: a small Python class here and an ES module beside it.
In a live notebook both sides hold the same traits, so what the reader did on the page
is a Python value in the next cell; in a built page the module works alone.

Examples
--------
>>> from convac_book.explorers import CutExplorer
>>> explorer = CutExplorer(n_sites=8, local_dim=2, channels=(3, 4, 5))
>>> explorer.partition
'ABABABAB'
"""

from .contraction import ContractionExplorer
from .cut import CutExplorer
from .depth import DepthExplorer
from .entanglement import EntanglementExplorer
from .overlap import OverlapExplorer
from .results import ResultsExplorer
from .width import WidthExplorer

__all__ = [
    "ContractionExplorer",
    "CutExplorer",
    "DepthExplorer",
    "EntanglementExplorer",
    "OverlapExplorer",
    "ResultsExplorer",
    "WidthExplorer",
]
