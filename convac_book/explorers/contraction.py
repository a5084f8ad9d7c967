"""The contraction explorer: a small network, contracted pair by pair in an order of one's own."""

from functools import lru_cache
from math import prod
from typing import Any

import traitlets

from convac_lib._validation import as_choice, as_int

from ._base import Explorer, packed_module
from ._picture import BOND, INK, line, picture, shape, text

# For each diagram its tensors, (name, x, y), its bonds (i, j, kind) and its open legs (i, kind);
# a leg of kind D is a bond between tensors, one of kind d belongs to a site.
DIAGRAMS: dict[str, Any] = {
    "ladder": (
        [(name, n % 4, n // 4) for n, name in enumerate("ABCDEFGH")],
        [(i, i + 1, "D") for i in (0, 1, 2, 4, 5, 6)] + [(i, i + 4, "d") for i in range(4)],
        [],
    ),
    "chain": (
        [(name, n, 0.5) for n, name in enumerate("ABCEv")],
        [(i, i + 1, "D") for i in range(4)],
        [(0, "D")],
    ),
    "tree": (
        [("T", 1.5, 0), ("L", 0.5, 0.6), ("R", 2.5, 0.6),
         *((name, n, 1.3) for n, name in enumerate("abce"))],
        [(0, 1, "D"), (0, 2, "D"), (1, 3, "d"), (1, 4, "d"), (2, 5, "d"), (2, 6, "d")],
        [],
    ),
}  # fmt: skip


Legs = dict[int, int]  # the legs of a tensor, with their sizes


class ContractionExplorer(Explorer):
    """A diagram whose tensors the reader contracts two by two, with cost and memory.

    Parameters
    ----------
    diagram : {"ladder", "chain", "tree"}
        Two states of four sites, sandwiched; matrices and a vector; a tree with its inputs.
    bond, site : int
        The dimension of a bond, 1 to 32, and of a site, 1 to 8.

    Attributes
    ----------
    steps : list of int
        The pairs that were contracted, one after the other; a product has the next number.

    Raises
    ------
    ValueError
        If an argument is not one of the above.

    Examples
    --------
    >>> ContractionExplorer("chain", bond=10)
    Contraction explorer: matrices and a vector, bonds of 10, sites of 2. Row by row it takes \
3100 multiplications, in the best order 400.
    """

    diagram = traitlets.Unicode("ladder").tag(sync=True)
    bond = traitlets.Int(4).tag(sync=True)
    site = traitlets.Int(2).tag(sync=True)
    steps = traitlets.List(traitlets.Int()).tag(sync=True)

    _parts = ("contraction",)
    _esm = packed_module(*_parts)

    def __init__(self, diagram: str = "ladder", *, bond: int = 4, site: int = 2) -> None:
        super().__init__(
            diagram=as_choice("diagram", diagram, tuple(DIAGRAMS)),
            bond=as_int("bond", bond, minimum=1, maximum=32),
            site=as_int("site", site, minimum=1, maximum=8),
        )

    def _describe(self) -> str:
        names = {"ladder": "two states of four sites", "chain": "matrices and a vector",
                 "tree": "a tree and its inputs"}  # fmt: skip
        legs = legs_of(self.diagram, self.bond, self.site)
        return (
            f"Contraction explorer: {names[self.diagram]}, bonds of {self.bond}, sites of "
            f"{self.site}. Row by row it takes {cost_in_order(legs)} multiplications, in the "
            f"best order {least_cost(legs)}."
        )

    def _picture(self) -> str:
        tensors, bonds, open_legs = DIAGRAMS[self.diagram]
        place = [(60 + 110 * x, 40 + 90 * y) for _, x, y in tensors]
        size = {"D": self.bond, "d": self.site}
        drawn = []
        for i, j, kind in bonds:
            (x1, y1), (x2, y2) = place[i], place[j]
            drawn.append(line(x1, y1, x2, y2, stroke=BOND, stroke_width=2.4))
            drawn.append(text((x1 + x2) / 2 + 5, (y1 + y2) / 2 - 6, str(size[kind])))
        for i, kind in open_legs:
            x, y = place[i]
            drawn.append(line(x, y, x - 40, y, stroke=BOND, stroke_width=2.4))
            drawn.append(text(x - 42, y - 8, str(size[kind])))
        for (name, *_), (x, y) in zip(tensors, place, strict=True):
            drawn.append(
                shape("circle", cx=float(x), cy=float(y), r=17, fill="#f2f4f6", stroke=INK)
            )
            drawn.append(text(float(x), float(y) + 5, name, fill=INK, text_anchor="middle"))
        return picture(560, 200, self._describe(), *drawn)


def legs_of(diagram: str, bond: int, site: int) -> tuple[Legs, ...]:
    """Return each tensor's legs as a dict from the leg's number to its size.

    Examples
    --------
    >>> legs_of("chain", 3, 2)[4]
    {3: 3}
    """
    tensors, bonds, open_legs = DIAGRAMS[diagram]
    size = {"D": bond, "d": site}
    legs: list[Legs] = [{} for _ in tensors]
    for number, (*ends, kind) in enumerate(bonds + open_legs):
        for tensor in ends:
            legs[tensor][number] = size[kind]
    return tuple(legs)


def join(a: Legs, b: Legs) -> tuple[Legs, int]:
    """Return the legs of the product of two tensors, and the multiplications it takes."""
    return {n: size for n, size in (a | b).items() if (n in a) != (n in b)}, prod((a | b).values())


def cost_in_order(legs: tuple[Legs, ...]) -> int:
    """Return the multiplications of contracting the tensors one after the other."""
    made, total = legs[0], 0
    for other in legs[1:]:
        made, cost = join(made, other)
        total += cost
    return total


def least_cost(legs: tuple[Legs, ...]) -> int:
    """Return the least number of multiplications of any order, over all splits of all sets."""

    def outer(group: frozenset[int]) -> Legs:
        made: Legs = {}
        for tensor in group:
            made = join(made, legs[tensor])[0]
        return made

    @lru_cache(None)
    def least(group: frozenset[int]) -> int:
        if len(group) == 1:
            return 0
        first, *others = sorted(group)
        costs = []
        for mask in range(2 ** len(others) - 1):
            part = frozenset([first, *(t for n, t in enumerate(others) if mask >> n & 1)])
            rest = group - part
            costs.append(join(outer(part), outer(rest))[1] + least(part) + least(rest))
        return min(costs)

    return least(frozenset(range(len(legs))))
