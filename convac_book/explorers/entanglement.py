"""The entanglement explorer: a small state, and what every bipartition of it says."""

from collections.abc import Callable, Iterator
from math import cos, log, log2, pi, prod, radians, sin, sqrt
from typing import Any

import numpy as np
import traitlets

from convac_book.famous_states import ghz, w_state
from convac_lib._arrays import Array
from convac_lib._validation import as_choice, as_int
from convac_lib.architecture import Architecture
from convac_lib.decompositions import coefficients_tensor
from convac_lib.partitions import from_sites
from convac_lib.states import entanglement_entropy, normalized, product_state, schmidt_values

from ._base import Explorer, packed_module
from ._picture import BOND, INK, A, B, line, picture, shape, text

NAMES = {
    "angle": "two sites by angle",
    "product": "a product state",
    "bell-pairs": "two Bell pairs",
    "ghz": "the GHZ state",
    "w": "the W state",
    "random": "a random state",
    "convac": "the tensor of a ConvAC",
    "own": "your own state",
}


class EntanglementExplorer(Explorer):
    """A state of two to four qubits with its Schmidt values and measures, computed in the page.

    Parameters
    ----------
    kind : str
        ``"angle"`` (two sites: cos θ |00⟩ + sin θ |11⟩), or of four sites
        ``"product"``, ``"bell-pairs"``, ``"ghz"``, ``"w"``, ``"random"``,
        ``"convac"``.
    theta : int
        The angle in degrees, 0 to 90.
    pairing : int
        Which sites share a Bell pair: 0 for 0-1 and 2-3, 1 for 0-2 and 1-3, 2 for
        0-3 and 1-2.
    channels : (int, int)
        r_0 and r_1 of the ConvAC.
    seed : int
        Of the product state, the random state and the ConvAC's weights.
    state : array_like, optional
        A real state of your own, shape (2,) * n with n from 2 to 4, in place of `kind`.

    Attributes
    ----------
    state : ndarray, shape (2,) * n
        The state on the page, with norm 1.

    Raises
    ------
    ValueError
        If an argument is not one of the above.

    Examples
    --------
    >>> EntanglementExplorer("ghz").state[1, 1, 1, 1].round(4)
    np.float64(0.7071)
    """

    kind = traitlets.Unicode("angle").tag(sync=True)
    theta = traitlets.CFloat(30).tag(sync=True)
    pairing = traitlets.Int(0).tag(sync=True)
    channels = traitlets.List(traitlets.Int(), [2, 2]).tag(sync=True)
    seed = traitlets.Int(0).tag(sync=True)
    amplitudes = traitlets.List(traitlets.Float()).tag(sync=True)

    _parts = ("_tree", "entanglement")
    _esm = packed_module(*_parts)

    def __init__(
        self,
        kind: str = "angle",
        *,
        theta: float = 30,
        pairing: int = 0,
        channels: tuple[int, ...] = (2, 2),
        seed: int = 0,
        state: Any = None,
    ) -> None:
        if state is not None:
            kind, amplitudes = "own", _as_amplitudes(state)
        else:
            as_choice("kind", kind, tuple(NAMES)[:-1])
            amplitudes = []
        as_int("pairing", pairing, minimum=0, maximum=2)
        network = Architecture(4, 2, 2, channels)
        if not 0 <= theta <= 90:
            raise ValueError(f"theta must be an angle from 0 to 90 degrees, got {theta!r}")
        super().__init__(
            kind=kind,
            theta=theta,
            pairing=pairing,
            channels=list(network.channels),
            seed=as_int("seed", seed, minimum=0, maximum=2**31 - 1),
            amplitudes=amplitudes,
        )

    @traitlets.validate("kind")
    def _check_kind(self, proposal: Any) -> str:
        return as_choice("kind", proposal["value"], tuple(NAMES))

    @property
    def state(self) -> Array:
        """The state on the page, shape (2,) * n, with norm 1."""
        return normalized(_STATES[self.kind](self))

    def _describe(self) -> str:
        rows = list(self._entropies())
        highest = max(entropy for _, entropy in rows)
        most = [as_set(sites) for sites, entropy in rows if entropy > highest - 1e-9]
        sites = round(log2(self.state.size))
        words = f"Entanglement explorer: {NAMES[self.kind]}, {sites} sites. "
        if highest < 1e-9:
            return words + "No bipartition is entangled: every entropy is 0."
        if len(most) == len(rows):
            which = "every bipartition" if len(rows) > 1 else "its one bipartition"
            return words + f"The entropy of {which} is {highest:.3f} nats."
        return words + (
            f"Of its {len(rows)} bipartitions {' and '.join(most)} against the other sites "
            f"{'are' if len(most) > 1 else 'is'} the most entangled, with {highest:.3f} nats."
        )

    def _entropies(self) -> Iterator[tuple[tuple[int, ...], float]]:
        state = self.state
        for sites in bipartitions(state.ndim):
            entropy = entanglement_entropy(state, from_sites(state.ndim, sites))
            yield sites, max(entropy, 0.0)  # a rounding error would print as -0.000

    def _picture(self) -> str:
        rows = list(self._entropies())
        drawn = [text(4, 18, f"{NAMES[self.kind]}: entropy of each bipartition", fill=INK)]
        for number, (sites, entropy) in enumerate(rows):
            drawn += _row(self.state, sites, entropy, y=34 + 34 * number)
        return picture(440, 40 + 34 * len(rows), self._describe(), *drawn)


def bipartitions(n_sites: int) -> list[tuple[int, ...]]:
    """Return the sites of A for each bipartition: the even ones first, then single sites.

    Examples
    --------
    >>> bipartitions(2), bipartitions(4)
    ([(0,)], [(0, 1), (0, 2), (0, 3), (0,), (1,), (2,), (3,)])
    """
    if n_sites == 2:
        return [(0,)]
    pairs = [(0, 1), (0, 2), (0, 3)] if n_sites == 4 else []
    return pairs + [(site,) for site in range(n_sites)]


def as_set(sites: tuple[int, ...]) -> str:
    """Return sites in braces.

    Examples
    --------
    >>> as_set((0, 2))
    '{0, 2}'
    """
    return f"{{{', '.join(map(str, sites))}}}"


def _row(state: Array, sites: tuple[int, ...], entropy: float, y: float) -> Iterator[str]:
    """Draw one bipartition: its sites, its Schmidt values as columns, its entropy."""
    for site in range(state.ndim):
        x = 14 + 22 * site
        if site in sites:
            yield shape("circle", cx=x, cy=y + 12, r=9, fill=A)
        else:
            yield shape("rect", x=x - 8, y=y + 4, width=17, height=17, fill=B)
    yield line(116, y + 26, 184, y + 26)
    for number, value in enumerate(schmidt_values(state, from_sites(state.ndim, sites))):
        height = float(26 * value)
        yield shape("rect", x=118 + 17 * number, y=y + 26 - height, width=12, height=height)
    yield shape("rect", x=204, y=y + 8, width=float(150 * entropy / log(4)), height=12, fill=BOND)
    yield text(370, y + 18, f"{entropy:.3f}", fill=INK)


# --- the states, as the page makes them -----------------------------------------------


def _uniform(seed: int) -> Iterator[float]:
    """Yield numbers in [0, 1) of Mulberry32, so that page and Python draw the same state."""
    word = 2**32 - 1
    while True:
        seed = (seed + 0x6D2B79F5) & word
        mixed = (seed ^ seed >> 15) * (seed | 1) & word
        mixed ^= (mixed + ((mixed ^ mixed >> 7) * (mixed | 61) & word)) & word
        yield (mixed ^ mixed >> 14) / 2**32


def _normal(seed: int, shape: tuple[int, ...]) -> Array:
    """Return normal numbers by Box and Muller from `_uniform`, in row-major order."""
    draws = _uniform(seed)
    numbers = [
        sqrt(-2 * log(1 - next(draws))) * cos(2 * pi * next(draws)) for _ in range(prod(shape))
    ]
    return np.array(numbers).reshape(shape)


def _angle(explorer: Any) -> Array:
    theta = radians(explorer.theta)
    return np.diag([cos(theta), sin(theta)])


def _product(explorer: Any) -> Array:
    draws = _uniform(explorer.seed)
    angles = [2 * pi * next(draws) for _ in range(4)]
    return product_state([[cos(angle), sin(angle)] for angle in angles])


def _bell_pairs(explorer: Any) -> Array:
    sites = ("abcd", "acbd", "acdb")[explorer.pairing]  # the pairs are ab and cd
    return np.einsum(f"ab,cd->{sites}", np.eye(2), np.eye(2))


def _convac(explorer: Any) -> Array:
    network = Architecture(4, 2, 2, tuple(explorer.channels))
    shapes = network.weight_shapes("none")
    numbers = _normal(explorer.seed, (sum(prod(shape) for shape in shapes),))
    weights = []
    for shape_ in shapes:
        weights.append(numbers[: prod(shape_)].reshape(shape_))
        numbers = numbers[prod(shape_) :]
    return coefficients_tensor(network, weights)[0]


_STATES: dict[str, Callable[[Any], Array]] = {
    "angle": _angle,
    "product": _product,
    "bell-pairs": _bell_pairs,
    "ghz": lambda explorer: ghz(4),
    "w": lambda explorer: w_state(4),
    "random": lambda explorer: _normal(explorer.seed, (2, 2, 2, 2)),
    "convac": _convac,
    "own": lambda explorer: np.reshape(
        explorer.amplitudes, (2,) * round(log2(len(explorer.amplitudes)))
    ),
}


def _as_amplitudes(state: Any) -> list[float]:
    """Return a real state of 2 to 4 qubits as a list with norm 1, or raise a ValueError."""
    state = np.asarray(state)
    if state.ndim not in (2, 3, 4) or set(state.shape) != {2} or np.iscomplexobj(state):
        raise ValueError(
            "state must be real with shape (2, 2), (2, 2, 2) or (2, 2, 2, 2), got "
            f"shape {state.shape} and dtype {state.dtype}"
        )
    return normalized(state).ravel().tolist()
