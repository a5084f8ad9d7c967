"""Bond spectra written down by hand, for the tests of what is made of them."""

import numpy as np

from convac_lib import Architecture
from convac_workbench.bonds import BondSpectrum, bond_caps


def spectrum_of(architecture, levels):
    """Return a BondSpectrum whose nodes of a level are all alike, padded to the caps."""
    shares = []
    for level, (p, cap) in enumerate(zip(levels, bond_caps(architecture), strict=True)):
        p = np.pad(np.asarray(p, dtype=float), (0, cap - len(p)))
        n_nodes = architecture.n_sites // architecture.window**level
        shares.append(np.tile(p / p.sum(), (n_nodes, 1)))
    nodes = tuple(np.arange(len(s)) for s in shares)
    return BondSpectrum(architecture, tuple(shares), nodes, 1000)


PROBE = Architecture.line(5, (12, 12, 12))
NEAR = spectrum_of(PROBE, [[12, 1, 1, 1, 1], [3, 1], [1, 1], [1]])
FAR = spectrum_of(PROBE, [[3, 1], [2, 1, 1], [1, 1, 1, 1], [1]])
