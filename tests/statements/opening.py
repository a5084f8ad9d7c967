"""The opening: a score as an inner product, and the bound with its equality."""

import numpy as np

from .by_hand import cut, draw, matrix, network_rank, rank, tensor, words
from .frame import statement


def forward(layers, dense, vectors, window, rescaled):
    for layer in layers:
        mixed = np.einsum("joi,ji->jo", layer, vectors)
        vectors = mixed.reshape(-1, window, mixed.shape[1]).prod(axis=1)
        if rescaled:
            vectors = vectors / abs(vectors).max(axis=1, keepdims=True)
    return dense @ vectors[0]


@statement(
    "thm-inner-product",
    inside=[(seed, window, False) for seed in range(3) for window in (2, 4)],
    outside={"before any rescaling": (0, 2, True)},
)
def score_is_an_inner_product(seed, window, rescaled):
    rng = np.random.default_rng(seed)
    n_sites, M, channels = 4, 3, (2, 4) if window == 2 else (3,)
    widths, layers, places = [M, *channels], [], n_sites
    for r_in, r_out in zip(widths, channels, strict=False):
        layers.append(rng.normal(size=(places, r_out, r_in)))
        places //= window
    dense = rng.normal(size=widths[-1])
    amplitudes = np.array(
        [
            forward(layers, dense, np.eye(M)[list(choice)], window, False)
            for choice in np.ndindex((M,) * n_sites)
        ]
    )
    vectors = rng.normal(size=(n_sites, M))
    state = vectors[0]
    for v in vectors[1:]:
        state = np.multiply.outer(state, v)
    score = forward(layers, dense, vectors, window, rescaled)
    return bool(np.isclose(score, amplitudes @ state.ravel(), rtol=1e-9))


POWERS = [
    *[((2, 4, 2, 4), 2, word, "none") for word in words(8, 6)],
    *[((3, 3, 9, 3), 2, word, "none") for word in words(8, 3, seed=1)],
    ((4, 4, 2, 2), 2, "ABABABAB", "none"),
    ((2, 2, 2, 4, 2), 2, "AABABBBAABBBABAB", "none"),
    ((2, 4, 2), 4, "AABBABABBBBAAAAB", "none"),
    ((3, 9, 3), 3, "ABBAABBBA", "none"),
]


@statement(
    "thm-min-cut",
    inside=POWERS,
    outside={
        "nothing is shared": ((2, 2, 4, 4), 2, "AAAABBBB", "all"),
        "powers of one integer": ((2, 3, 5, 7, 2), 2, "BBBBBAAABBBAAAAA", "none"),
        "powers of one integer, windows of four": ((2, 3, 2), 4, "BBBBBBBBBAAABAAA", "none"),
    },
)
def equality(widths, window, word, share):
    return network_rank(widths, window, word, share=share) == cut(widths, window, word)


@statement(
    "thm-min-cut",
    inside=[
        (widths, window, word, seed, share)
        for seed, (widths, window) in enumerate([((2, 3, 5, 3), 2), ((3, 2, 4, 5), 2)])
        for word in words(8, 4, seed)
        for share in ("none", "window-position", "all")
    ],
    outside={"almost all weights, for the equality": ((2, 4, 4), 2, "AABB", 0, "zeros")},
)
def bound_and_equality_for_almost_all(widths, window, word, seed, share):
    if share == "zeros":
        *layers, dense = draw(widths, window, len(word), seed)
        return rank(matrix(tensor([*layers, 0 * dense], window), word)) == cut(widths, window, word)
    return network_rank(widths, window, word, seed, share) <= cut(widths, window, word)
