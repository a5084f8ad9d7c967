"""Arithmetic modulo a prime against Python's own integers, which never round."""

import numpy as np
import pytest
from flint import nmod_mat
from hypothesis import given, settings
from hypothesis import strategies as st

from convac_lib import modular

PRIME = modular.large_prime(0)
HALF = PRIME // 2


def python_product(x, y, prime):
    """Return the residues 0..p-1 of a matrix product of Python integers."""
    x, y = ([[int(entry) for entry in row] for row in z.tolist()] for z in (x, y))
    return [
        [sum(a * b for a, b in zip(row, col, strict=True)) % prime for col in zip(*y, strict=True)]
        for row in x
    ]


def test_large_primes_are_the_last_ones_below_2_to_the_24():
    def is_prime(n):
        return all(n % d for d in range(2, int(n**0.5) + 1))

    found = [modular.large_prime(index) for index in range(4)]
    assert found == [n for n in range(2**24 - 1, found[-1] - 1, -1) if is_prime(n)]


@pytest.mark.parametrize("terms", [1, 126, 127, 128, 129, 255, 1001])
@pytest.mark.parametrize("size", [HALF, HALF - 1])
def test_a_product_of_the_largest_residues_is_exact(terms, size):
    # All terms of one sign and as large as they get. One size is odd: a sum of an odd
    # number of its squares needs every bit.
    assert {HALF % 2, (HALF - 1) % 2} == {0, 1}
    x = np.full((2, terms), size, dtype=float)
    x[1] = -size
    y = np.full((terms, 1), size, dtype=float)
    found = modular.matmul(x, y, PRIME)
    assert (found % PRIME).tolist() == python_product(x, y, PRIME)
    assert abs(found).max() <= HALF + 2


def test_a_large_product_is_made_in_parts(monkeypatch):
    rng = np.random.default_rng(1)
    x = modular.random_residues(rng, (9, 130), PRIME)
    y = modular.random_residues(rng, (130, 5), PRIME)
    monkeypatch.setattr(modular, "STRIPE", 12)
    assert (modular.matmul(x, y, PRIME) % PRIME).tolist() == python_product(x, y, PRIME)


@settings(max_examples=50, deadline=None)
@given(st.integers(0, 2**32), st.sampled_from([2, 3, 7, 8191, PRIME]), st.integers(1, 200))
def test_products_agree_with_python_integers(seed, prime, terms):
    rng = np.random.default_rng(seed)
    x = modular.random_residues(rng, (3, terms), prime)
    y = modular.random_residues(rng, (terms, 2), prime)
    assert (modular.matmul(x, y, prime) % prime).tolist() == python_product(x, y, prime)
    squares = modular.entrywise(x, x, prime) % prime
    assert squares.tolist() == [[int(a) ** 2 % prime for a in row] for row in x.tolist()]


def test_products_broadcast_over_leading_axes():
    rng = np.random.default_rng(0)
    x = modular.random_residues(rng, (3, 70), PRIME)
    stack = modular.random_residues(rng, (4, 70, 2), PRIME)
    found = modular.matmul(x, stack, PRIME)
    for one, product in zip(stack, found, strict=True):
        assert (product % PRIME).tolist() == python_product(x, one, PRIME)


def test_random_residues_reach_every_residue():
    drawn = modular.random_residues(np.random.default_rng(0), 1000, 7)
    assert sorted(set(drawn.tolist())) == [-3, -2, -1, 0, 1, 2, 3]


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 2**32), st.integers(1, 5), st.integers(5, 9), st.integers(5, 9))
def test_rank_of_a_product_of_known_rank(seed, rank, rows, columns):
    rng = np.random.default_rng(seed)
    left = np.vstack([np.eye(rank), modular.random_residues(rng, (rows - rank, rank), PRIME)])
    right = np.hstack([np.eye(rank), modular.random_residues(rng, (rank, columns - rank), PRIME)])
    product = modular.matmul(left, right, PRIME)
    assert modular.rank(product, PRIME) == rank
    # The same integers, too large for any machine word.
    huge = product.astype(np.int64).astype(object) + PRIME * 10**30
    assert modular.rank(huge, PRIME) == rank


def rank_by_flint(matrix, prime):
    entries = [int(entry) % prime for entry in matrix.ravel()]
    return nmod_mat(*matrix.shape, entries, prime).rank()


@st.composite
def matrices(draw):
    """Draw a prime and residues in which many a row and column depends on others, or is zero."""
    prime = draw(st.sampled_from([2, 3, 5, 7, 8191, modular.large_prime(5), PRIME]))
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    rows, columns, inner = (draw(st.integers(1, 40)) for _ in range(3))
    left = modular.random_residues(rng, (rows, inner), prime)
    right = modular.random_residues(rng, (inner, columns), prime)
    left *= rng.random((rows, 1)) < draw(st.sampled_from([0.3, 1]))
    right *= rng.random(columns) < draw(st.sampled_from([0.3, 1]))
    right *= np.linspace(0, 1, inner)[:, None] < draw(st.sampled_from([0.1, 0.5, 2]))
    return modular.matmul(left, right, prime), prime


@settings(max_examples=200, deadline=None)
@given(matrices(), st.sampled_from([1, 2, 3, 5, 127]), st.sampled_from([2, 40, 2**16]))
def test_elimination_by_panels_gives_the_rank_that_flint_finds(drawn, panel, stripe):
    matrix, prime = drawn
    wanted = rank_by_flint(matrix, prime)
    assert modular.rank(matrix, prime) == wanted
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(modular, "PANEL", panel)
        patch.setattr(modular, "STRIPE", stripe)
        patch.setattr(modular, "PIECE", stripe // 2)
        assert modular.rank_of_residues(matrix.copy(), prime) == wanted
        assert modular.rank_of_residues(np.asfortranarray(matrix).T, prime) == wanted


@pytest.mark.parametrize(
    ("rows", "columns", "rank"), [(300, 300, 300), (400, 260, 129), (130, 500, 127)]
)
def test_elimination_of_more_columns_than_a_panel_has(rows, columns, rank):
    rng = np.random.default_rng(rank)
    left = modular.random_residues(rng, (rows, rank), PRIME)
    right = modular.random_residues(rng, (rank, columns), PRIME)
    right[:, : columns // 3] = 0  # some panels have no pivot at all
    matrix = modular.matmul(left, right, PRIME)
    assert (
        modular.rank(matrix, PRIME)
        == rank_by_flint(matrix, PRIME)
        == min(rank, columns - columns // 3)
    )


@pytest.mark.parametrize("size", [HALF, HALF - 1])
def test_elimination_of_the_largest_residues_is_exact(size):
    # Sylvester's matrix of signs is its own inverse but for a power of 2: full rank, with
    # every sum in it as large as a sum gets. Twice the same columns add nothing.
    signs = np.array([[1.0]])
    for _ in range(8):
        signs = np.block([[signs, signs], [signs, -signs]])
    assert modular.rank_of_residues(size * signs, PRIME) == 256
    assert modular.rank_of_residues(size * np.hstack([signs, signs]), PRIME) == 256
    ones = np.full((256, 256), float(size))
    assert modular.rank_of_residues(ones + 0 * signs, PRIME) == 1


def test_a_row_basis_gives_all_rows():
    rng = np.random.default_rng(0)
    left, right = (modular.random_residues(rng, shape, PRIME) for shape in [(50, 7), (7, 20)])
    panel = modular.matmul(left, right, PRIME)
    panel[:3] = 0
    pivots, x = modular._row_basis(panel, PRIME)
    assert len(set(pivots.tolist())) == 7 and x.shape == (50, 7)
    assert not ((modular.matmul(x, panel[pivots], PRIME) - panel) % PRIME).any()


@pytest.mark.parametrize("shape", [(0, 3), (3, 0), (1, 1)])
def test_matrices_of_next_to_nothing(shape):
    assert modular.rank(np.zeros(shape), PRIME) == 0
    assert modular.rank(np.ones(shape), PRIME) == min(shape)


def test_rank_modulo_a_prime_can_be_smaller_but_never_larger():
    matrix = np.array([[1, 2], [3, 1]])  # determinant -5
    assert [modular.rank(matrix, prime) for prime in (2, 3, 5, 7)] == [2, 2, 1, 2]


@pytest.mark.parametrize("value", [1, 4, 2**24 + 43, 7.0, True, "7"])
def test_as_prime_names_what_is_not_a_prime(value):
    with pytest.raises(ValueError, match="modulus must be"):
        modular.as_prime("modulus", value)


def test_rank_refuses_what_is_not_a_matrix():
    with pytest.raises(ValueError, match=r"matrix must have two axes, got shape \(3,\)"):
        modular.rank(np.arange(3), 7)


@pytest.mark.parametrize("prime", [1, 4, 6, 2**24 + 43, 7.0, "7", None])
def test_rank_refuses_what_is_no_prime(prime):
    """An even modulus once ended the interpreter."""
    with pytest.raises(ValueError, match="prime must be"):
        modular.rank(np.eye(2, dtype=int), prime)


@pytest.mark.parametrize("matrix", [[[0.5, 1], [1, 1]], [[1j, 1], [1, 1]], [["a"]]])
def test_rank_refuses_what_is_no_integer(matrix):
    with pytest.raises(ValueError, match="matrix must hold"):
        modular.rank(matrix, 7)


def test_primes_far_down_are_refused():
    with pytest.raises(ValueError, match="index must be an integer from 0 to 200"):
        modular.large_prime(10**9)
