"""The one description from which everything follows: which tree, how wide each layer.

A ConvAC (Levine et al. 2018, section 2.2) reads `n_sites` local patches, maps
each to `local_dim` = M features, and then repeats one step: a 1x1 convolution
to r_l channels, and a product over windows of `window` neighbours. After
L = log_window(n_sites) such layers one vector is left, and a dense layer reads
the scores off it.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from math import prod

from ._validation import as_choice, as_int, as_list, integer_log

SHARING = ("none", "window-position", "all")
DESIGNS = ("wide-base", "wide-tip")


def graded_steps(design: str, depth: int) -> list[int]:
    """Return the layers' widths of a design of the paper in proportion (section 8).

    Examples
    --------
    >>> graded_steps("wide-base", 6), graded_steps("wide-tip", 3)
    ([4, 4, 2, 2, 1, 1], [1, 2, 4])
    """
    as_choice("design", design, DESIGNS)
    steps = [4 >> (3 * layer // depth) for layer in range(depth)]
    return steps if design == "wide-base" else steps[::-1]


@dataclass(frozen=True)
class Architecture:
    """A convolutional arithmetic circuit: a tree of product poolings with given widths.

    Parameters
    ----------
    n_sites
        N, the number of local patches; ``window ** len(channels)``.
    window
        Sites multiplied by one pooling window, at least 2. ``window=2`` is the
        paper's line of patches; ``window=4`` is 2x2 pooling of an image whose
        pixels are listed in Morton order (see :mod:`convac_lib.partitions`).
        ``window=n_sites`` with one layer is the shallow (CP) network.
    local_dim
        M, the number of representation functions per site.
    channels
        (r_0, ..., r_{L-1}), the output channels of each hidden layer.
    n_outputs
        Y, the number of scores.

    Raises
    ------
    ValueError
        If a number is not a positive integer, or `n_sites` is not
        ``window ** len(channels)``.

    Examples
    --------
    >>> line = Architecture(n_sites=8, window=2, local_dim=2, channels=(3, 4, 5))
    >>> line.depth, line.parameter_count()
    (3, 141)
    """

    n_sites: int
    window: int
    local_dim: int
    channels: tuple[int, ...]
    n_outputs: int = 1

    def __post_init__(self) -> None:
        # Stored as Python's integers: a NumPy one would overflow in a product of widths.
        for name in ("n_sites", "window", "local_dim", "n_outputs"):
            minimum = 2 if name in ("n_sites", "window") else 1
            object.__setattr__(self, name, as_int(name, getattr(self, name), minimum))
        widths = _as_widths(self.channels)
        object.__setattr__(self, "channels", widths)
        depth = integer_log("n_sites", self.n_sites, self.window)
        if depth != len(widths):
            raise ValueError(
                f"channels must have one width for each of the {depth} layers that pool "
                f"{self.n_sites} sites by windows of {self.window}, got {len(widths)}: {widths}"
            )

    # --- named shapes -----------------------------------------------------------------

    @classmethod
    def for_image(
        cls, side: int, local_dim: int, channels: Sequence[int], n_outputs: int = 1
    ) -> "Architecture":
        """Return the 2x2-pooling network of a `side` x `side` image; log2(side) layers.

        Examples
        --------
        >>> Architecture.for_image(4, local_dim=2, channels=(3, 3)).n_sites
        16
        """
        side = as_int("side", side, minimum=2)
        integer_log("side", side, 2)
        return cls(side * side, 4, local_dim, _as_widths(channels), n_outputs)

    @classmethod
    def line(cls, local_dim: int, channels: Sequence[int], n_outputs: int = 1) -> "Architecture":
        """Return the paper's line of 2^L patches with windows of 2; L = len(channels)."""
        channels = _as_widths(channels)
        return cls(2 ** len(channels), 2, local_dim, channels, n_outputs)

    @classmethod
    def shallow(
        cls, n_sites: int, local_dim: int, channels: int, n_outputs: int = 1
    ) -> "Architecture":
        """Return the CP network (eq. 11): one hidden layer of K = `channels`, one window."""
        return cls(n_sites, n_sites, local_dim, (channels,), n_outputs)

    @classmethod
    def wide_base(cls, r: int, local_dim: int = 10, n_outputs: int = 10) -> "Architecture":
        """Return the paper's 64x64 network with channels 4r 4r 2r 2r r r (section 8)."""
        return cls._graded("wide-base", r, local_dim, n_outputs)

    @classmethod
    def wide_tip(cls, r: int, local_dim: int = 10, n_outputs: int = 10) -> "Architecture":
        """Return the paper's 64x64 network with channels r r 2r 2r 4r 4r (section 8)."""
        return cls._graded("wide-tip", r, local_dim, n_outputs)

    @classmethod
    def _graded(cls, design: str, r: int, local_dim: int, n_outputs: int) -> "Architecture":
        r = as_int("r", r, minimum=1)
        channels = [r * step for step in graded_steps(design, depth=6)]
        return cls.for_image(64, local_dim, channels, n_outputs)

    # --- what follows from the numbers ------------------------------------------------

    @property
    def depth(self) -> int:
        """L, the number of hidden layers."""
        return len(self.channels)

    @property
    def widths(self) -> tuple[int, ...]:
        """(M, r_0, ..., r_{L-1}): the bond dimensions from the inputs to the top."""
        return (self.local_dim, *self.channels)

    def locations(self, layer: int) -> int:
        """Return at how many places layer l = 0..L-1 convolves: N / window^l."""
        layer = as_int("layer", layer, minimum=0, maximum=self.depth - 1)
        return self.n_sites // self.window**layer

    def weight_shapes(self, share: str = "none") -> list[tuple[int, ...]]:
        """Return the shapes of the layers' weights and of the dense layer, in order.

        Layer l has shape (G, r_l, r_{l-1}), r_{-1} = M, where G is the number of
        different matrices: one for each location (``"none"``, the theory), one for
        each position inside a window (``"window-position"``), or one (``"all"``).
        Location j uses matrix j mod G. The dense layer has shape (Y, r_{L-1}).

        Examples
        --------
        >>> Architecture.line(2, (3, 4)).weight_shapes("window-position")
        [(2, 3, 2), (2, 4, 3), (1, 4)]
        """
        as_choice("share", share, SHARING)
        copies = {"window-position": self.window, "all": 1}
        shapes = [
            (copies.get(share, self.locations(layer)), outgoing, incoming)
            for layer, (incoming, outgoing) in enumerate(pairwise(self.widths))
        ]
        return [*shapes, (self.n_outputs, self.channels[-1])]

    def parameter_count(self, share: str = "none") -> int:
        """Return the number of weights, dense layer included, for a kind of sharing.

        Examples
        --------
        >>> Architecture.wide_base(6).parameter_count("all")  # 31 r^2 + 50 r
        1416
        """
        return sum(prod(shape) for shape in self.weight_shapes(share))

    def with_channels(self, channels: Sequence[int]) -> "Architecture":
        """Return the same tree with other channel numbers."""
        return replace(self, channels=_as_widths(channels))


def _as_widths(channels: Sequence[int]) -> tuple[int, ...]:
    """Return `channels` as a tuple of positive Python integers, at least one."""
    widths = as_list("channels", channels)
    if not widths:
        raise ValueError(f"channels must be a sequence of positive integers, got {channels!r}")
    return tuple(
        as_int(f"channels[{layer}]", width, minimum=1) for layer, width in enumerate(widths)
    )
