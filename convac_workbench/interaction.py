"""How much of a network's answer is not f(x_A) + g(x_B): asked of a black box.

Cut the inputs into two groups, A and B. Join side A of image i with side B of image j,
for all pairs of n images, and ask the network n² questions. The answers are a matrix
(for each output), and what no sum of a row number and a column number explains is the
**interaction** of the two groups: the one interaction term of a functional analysis of
variance with two groups. Its share of the variance is 1 - S_A - S_B with Sobol's
closed indices of the groups. For a function of the form f(x_A) + g(x_B) it is 0.

Any torch module or Python function may be asked, about any partition of any inputs.
The arithmetic is NumPy's; torch is only touched if a torch module is asked.

What the number may claim: "of the variance of this output, over sides drawn
independently from these images, so much is not f(x_A) + g(x_B)". What not: that the
*task* needs an interaction. For that, train the additive control
(:mod:`convac_workbench.additive`) and compare.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from convac_lib._arrays import as_array, as_inexact, as_numbers, refuse_overflow
from convac_lib._validation import as_choice, as_int

from .asking import READINGS, Asker, as_inputs, as_mask, refuse_constant, refuse_raw_scores

FEWEST = 8  # images: with fewer the error bar itself is noise
RANK_FROM = 0.01  # below this share an effective rank is mostly noise of the sampling


@dataclass(frozen=True, kw_only=True)
class Interaction:
    """What n² answers say about two groups of inputs.

    Attributes
    ----------
    share, share_error : float
        The interaction's part of the variance, unbiased but for the quotient, and its
        standard error (jackknife over the images). Slightly negative if there is none.
    share_a, share_b : float
        The parts that side A alone and side B alone explain. A small one says that the
        network hardly looks there, and then a small `share` says little.
    h_squared : float
        The same contrast on the n real images only (Friedman's H²); it may exceed 1.
    effective_rank : float or None
        e^S of the interaction's squared singular values; the mean over the outputs, each
        with its part of the interaction as weight. It grows with `n`. None where the share
        is below 0.01: it would count noise.
    quality, quality_without : float or None
        On the n real images, as they are and with the interaction removed: the accuracy
        for classes, R² for numbers. None without targets.
    auc, auc_without : float or None
        Area under the ROC curve, where there are two classes.
    same_class_share, same_class_error : float or None
        The share if only sides of images of one class are joined. None without classes, or
        if no class has enough images.
    softmax_share, softmax_share_additive : float or None
        On request: the share after a softmax, and what the softmax of the *additive part*
        has by itself. Only their difference is about the network.
    n, questions : int
        Images, and how many answers were asked for in all.
    """

    share: float
    share_error: float
    share_a: float
    share_b: float
    h_squared: float
    effective_rank: float | None = None
    quality: float | None = None
    quality_without: float | None = None
    auc: float | None = None
    auc_without: float | None = None
    same_class_share: float | None = None
    same_class_error: float | None = None
    softmax_share: float | None = None
    softmax_share_additive: float | None = None
    n: int
    questions: int

    def __str__(self) -> str:
        return (
            f"{self.share:.1%} ± {self.share_error:.1%} of the variance is not f(A) + g(B) "
            f"(A alone {self.share_a:.1%}, B alone {self.share_b:.1%}; H² {self.h_squared:.3f}; "
            f"n = {self.n})"
        )


def interaction(
    function: Callable[[Any], Any],
    inputs: Any,
    partition: ArrayLike,
    targets: ArrayLike | None = None,
    *,
    reading: str = "logits",
    n: int = 40,
    seed: int = 0,
    same_class: bool = True,
    softmax: bool = False,
    say: Callable[[str], object] | None = None,
) -> Interaction:
    """Measure the interaction of two groups of inputs in a network's answers.

    Parameters
    ----------
    function : torch.nn.Module or callable
        Maps a batch (questions, ...) to outputs (questions, outputs) or (questions,).
        It must be deterministic: a module in evaluation mode. A callable gets NumPy
        arrays, or tensors if `inputs` is a tensor.
    inputs : array_like or torch.Tensor, shape (samples, ...)
        Held-out images, sequences of tokens or rows of a table; n of them are used.
    partition : array_like of bool
        True = in A. Of the shape of one input, or of its first or its last axes: such as
        (side, side) for images, with channels or without; (tokens,); (columns,).
    targets : array_like, shape (samples,), optional
        Classes 0, 1, ..., the numbers of the logits; or numbers, for values. With them
        accuracy and the same-class part are given.
    reading : {"logits", "values"}
        Logits are centred: their mean over the classes is subtracted, since it changes no
        decision. Values, as of a regression, are taken as they are; so is a single logit.
    n : int
        How many images; both sides come from the same n. The cost is n² answers.
    seed : int
        Of the choice of images.
    same_class : bool
        Ask about as many answers again, for sides of one class only.
    softmax : bool
        Also give the share after a softmax, beside that of the additive part.
    say : callable, optional
        Called once with a sentence on the cost, before the questions are asked.

    Returns
    -------
    Interaction

    Raises
    ------
    ValueError
        If the function is not deterministic, does not answer in the shape above, or answers
        NaN, always the same, or probabilities; if it is a ConvAC that gives raw scores; if a
        side of the partition is empty or constant; if there are too few samples.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> x = rng.normal(size=(200, 4))
    >>> left = [True, True, False, False]
    >>> both = interaction(lambda x: x[:, 0] * x[:, 3] + x[:, 1], x, left, reading="values")
    >>> one = interaction(lambda x: x[:, 0] ** 2 - x[:, 3], x, left, reading="values")
    >>> 0.3 < both.share < 0.7, abs(one.share) < 1e-12
    (True, True)
    """
    as_choice("reading", reading, READINGS)
    n = as_int("n", n, minimum=FEWEST)
    rng = np.random.default_rng(as_int("seed", seed, minimum=0))
    refuse_raw_scores(function, reading)
    inputs = as_inputs(inputs)
    mask, classes = as_mask(partition, inputs), _targets(targets, inputs, reading)
    chosen = _choose(rng, len(inputs), n)
    refuse_constant(inputs, chosen, mask)
    ask = Asker(function, inputs, mask, reading)
    groups = _groups(classes, n, rng) if same_class and reading == "logits" else []
    questions = n * n + sum(len(group) ** 2 for group in groups)
    if say is not None:
        say(f"{questions:,} questions, about {_seconds(ask.seconds(chosen) * questions)}")
    ask.check(chosen)
    matrix = ask.all_pairs(chosen)  # (n, n, outputs)
    found = _measure(matrix)
    if classes is not None:
        found |= _qualities(matrix, classes[chosen], reading)
    if groups:
        found |= _same_class([ask.all_pairs(group) for group in groups])
    if softmax and reading == "logits" and matrix.shape[-1] > 1:
        found |= _softmax(matrix)
    return Interaction(**found, n=n, questions=questions)


# --- the arithmetic -----------------------------------------------------------------------


def variances(matrix: np.ndarray) -> tuple[float, float, float]:
    """Return unbiased estimates of the variances of A alone, B alone and the interaction.

    The sides of one image belong together, so the diagonal is left out: only sides of
    different images are independent. With all indices different,

        mean of (H_ij - H_il - H_kj + H_kl)² / 4

    has the interaction's variance as its mean, exactly. The sums over all such
    quadruples are taken in closed form.

    Parameters
    ----------
    matrix : ndarray, shape (n, n, outputs)
        n of at least 4.

    Returns
    -------
    tuple of float
        (A, B, interaction), each summed over the outputs.

    Examples
    --------
    >>> a, b = np.arange(5.0), np.array([3.0, 0.0, 1.0, 7.0, 2.0])
    >>> [round(v, 12) + 0 for v in variances((a[:, None] + b)[..., None])]  # of a, of b, none
    [2.5, 7.3, 0.0]
    """
    matrix = _as_answers(matrix, 4)
    off = _off_diagonal(len(matrix))
    mean, f, g = best_sum(matrix)
    same_row, same_column, distinct, _ = _mean_products(np.where(off, matrix - mean, 0))
    # The interaction does not change if a sum f_i + g_j is taken off: then large numbers
    # do not cancel, and nothing is left of a sum.
    rest = np.where(off, matrix - mean - f[:, None] - g, 0)
    row, column, apart, square = _mean_products(rest)
    found = same_row - distinct, same_column - distinct, square - row - column + apart
    refuse_overflow(found, "variances of the matrix", "divide it by its largest entry")
    a, b, both = map(float, found)
    return a, b, both


def best_sum(matrix: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return mean, f and g of the least-squares fit mean + f_i + g_j off the diagonal.

    Shapes (outputs,), (n, outputs) and (n, outputs).

    Examples
    --------
    >>> f, g = np.array([0.0, 1.0, 5.0]), np.array([2.0, 0.0, 1.0])
    >>> mean, rows, columns = best_sum((f[:, None] + g)[..., None])
    >>> np.allclose(mean + rows[:, None] + columns, (f[:, None] + g)[..., None])
    True
    """
    matrix = _as_answers(matrix, 3)
    n = len(matrix)
    off = _off_diagonal(n)
    mean = matrix.mean(axis=(0, 1), where=off)
    centred = np.where(off, matrix - mean, 0)
    rows, columns = centred.sum(1), centred.sum(0)
    f = ((n - 1) * rows + columns) / (n * (n - 2))
    g = ((n - 1) * columns + rows) / (n * (n - 2))
    return mean, f, g


def _off_diagonal(n: int) -> np.ndarray:
    return ~np.eye(n, dtype=bool)[..., None]


def _mean_products(h: np.ndarray) -> tuple[float, float, float, float]:
    """Return means of H_ij H_il, H_ij H_kj, H_ij H_kl and H_ij², all indices different.

    The diagonal of `h` must be zero. Summed over the outputs.
    """
    n = len(h)
    rows, columns = h.sum(1), h.sum(0)
    square = (h * h).sum()
    swapped = (h * h.swapaxes(0, 1)).sum()
    same_row, same_column = (rows**2).sum() - square, (columns**2).sum() - square
    crossed = (rows * columns).sum() - swapped
    everything = (rows.sum(0) ** 2).sum()
    distinct = everything - square - swapped - same_row - same_column - 2 * crossed
    pairs = n * (n - 1)
    triples = pairs * (n - 2)
    return (
        same_row / triples,
        same_column / triples,
        distinct / (triples * (n - 3)),
        square / pairs,
    )


def _measure(matrix: np.ndarray) -> dict[str, Any]:
    """Return the shares, their error and the other numbers of one matrix of answers."""
    parts = variances(matrix)
    total = sum(parts)
    if not total > 0:
        raise ValueError("function must vary over the joined sides, got no variance to share out")
    share = parts[2] / total
    return {
        "share": float(share),
        "share_error": _jackknife([matrix]),
        "share_a": float(parts[0] / total),
        "share_b": float(parts[1] / total),
        "h_squared": _h_squared(matrix),
        "effective_rank": effective_rank(matrix) if share > RANK_FROM else None,
    }


def _jackknife(matrices: Sequence[np.ndarray]) -> float:
    """Return the standard error of the pooled share: each image left out in turn."""
    parts = [np.array(variances(matrix)) for matrix in matrices]
    groups, squares = len(matrices), 0.0
    for number, matrix in enumerate(matrices):
        n, shares = len(matrix), []
        others = sum(parts[:number] + parts[number + 1 :], np.zeros(3))
        for left_out in range(n):
            kept = np.delete(np.arange(n), left_out)
            pooled = (others + variances(matrix[np.ix_(kept, kept)])) / groups
            shares.append(pooled[2] / pooled.sum())
        squares += (n - 1) * np.var(shares)
    return float(np.sqrt(squares))


def effective_rank(matrix: np.ndarray) -> float:
    """Return e^S of the interaction's squared singular values, meaned over the outputs.

    Each output counts with its part of the interaction. The diagonal, the real images,
    belongs to the matrix here.

    Examples
    --------
    >>> product = np.multiply.outer([1.0, -1.0, 2.0, -2.0], [1.0, 2.0, -1.0, -2.0])
    >>> round(effective_rank(product[..., None]), 12)
    1.0
    """
    matrix = _as_answers(matrix, 2)
    matrix = matrix / (abs(matrix).max() or 1)
    rows, columns = matrix.mean(1, keepdims=True), matrix.mean(0, keepdims=True)
    centred = matrix - rows - columns + matrix.mean((0, 1))
    squares = np.linalg.svd(np.moveaxis(centred, -1, 0), compute_uv=False) ** 2
    totals = squares.sum(1)
    if not totals.sum() > 0:
        raise ValueError("matrix must be no sum of a row and a column, which has no interaction")
    shares = squares / np.where(totals > 0, totals, 1)[:, None]
    logs = np.log(np.where(shares > 0, shares, 1))
    return float(np.average(np.exp(-(shares * logs).sum(1)), weights=totals))


def additive_part(matrix: np.ndarray) -> np.ndarray:
    """Return, for the n real images, what f(x_A) + g(x_B) would answer, (n, outputs).

    f and g of an image are means over the *other* images' sides.
    """
    matrix = _as_answers(matrix, 3)
    n = len(matrix)
    off = np.where(np.eye(n, dtype=bool)[..., None], 0, matrix)
    rows, columns = off.sum(1), off.sum(0)
    without = (off.sum((0, 1)) - rows - columns) / ((n - 1) * (n - 2))
    return rows / (n - 1) + columns / (n - 1) - without


def _h_squared(matrix: np.ndarray) -> float:
    real = matrix[np.arange(len(matrix)), np.arange(len(matrix))]
    contrast = real - additive_part(matrix)
    spread = ((real - real.mean(0)) ** 2).sum()
    return float((contrast**2).sum() / spread) if spread > 0 else float("nan")


# --- what goes with it --------------------------------------------------------------------


def _qualities(matrix: np.ndarray, wanted: np.ndarray, reading: str) -> dict[str, float | None]:
    """Return accuracy or R², and the AUC, as they are and with the interaction removed."""
    found: dict[str, float | None] = {}
    real = matrix[np.arange(len(matrix)), np.arange(len(matrix))]
    for ending, outputs in (("", real), ("_without", additive_part(matrix))):
        found["quality" + ending] = _quality(outputs, wanted, reading)
        if reading == "logits" and outputs.shape[1] <= 2:
            found["auc" + ending] = area_under_roc(_margin(outputs), wanted > 0)
    return found


def _quality(outputs: np.ndarray, wanted: np.ndarray, reading: str) -> float:
    if reading == "values":
        spread = ((wanted - wanted.mean()) ** 2).sum()
        error = ((outputs[:, 0] - wanted) ** 2).sum()
        return float(1 - error / spread) if spread > 0 else float("nan")
    if outputs.shape[1] > 2:
        return float((outputs.argmax(1) == wanted).mean())
    return float(((_margin(outputs) > 0) == (wanted > 0)).mean())


def _margin(outputs: np.ndarray) -> np.ndarray:
    """Return how far class 1 is ahead: a single logit, or the difference of two."""
    return outputs[:, -1] if outputs.shape[1] == 1 else outputs[:, 1] - outputs[:, 0]


def area_under_roc(margin: np.ndarray, positive: np.ndarray) -> float | None:
    """Return the part of pairs (positive, negative) in the right order, ties half; or None.

    None if all are positive, or none is.

    Examples
    --------
    >>> area_under_roc(np.array([3.0, 1.0, 2.0]), np.array([True, False, True]))
    1.0
    """
    margin, positive = as_numbers("margin", margin), as_array("positive", positive)
    if margin.ndim != 1 or margin.dtype.kind == "c":
        raise ValueError(f"margin must be a list of real numbers, got the shape {margin.shape}")
    if positive.shape != margin.shape or positive.dtype != bool:
        raise ValueError(
            f"positive must be {len(margin)} booleans, got dtype {positive.dtype} and shape "
            f"{positive.shape}"
        )
    if positive.all() or not positive.any():
        return None
    gaps = margin[positive][:, None] - margin[~positive]
    return float((gaps > 0).mean() + (gaps == 0).mean() / 2)


def _groups(classes: np.ndarray | None, n: int, rng: np.random.Generator) -> list[np.ndarray]:
    """Return the images of each class to join among themselves: about n² questions in all."""
    if classes is None:
        return []
    kinds = np.unique(classes)
    size = max(FEWEST, round(n / len(kinds) ** 0.5))
    members = [rng.permutation(np.flatnonzero(classes == kind))[:size] for kind in kinds]
    return [group for group in members if len(group) >= FEWEST]


def _same_class(matrices: Sequence[np.ndarray]) -> dict[str, float]:
    parts = np.sum([variances(matrix) for matrix in matrices], axis=0)
    if not parts.sum() > 0:
        return {}
    share = float(parts[2] / parts.sum())
    return {"same_class_share": share, "same_class_error": _jackknife(matrices)}


def _softmax(matrix: np.ndarray) -> dict[str, float]:
    """Return the share after a softmax, and that of the softmax of the additive part."""
    mean, f, g = best_sum(matrix)
    shares = []
    for logits in (matrix, mean + f[:, None] + g):
        raised = np.exp(logits - logits.max(-1, keepdims=True))
        parts = variances(raised / raised.sum(-1, keepdims=True))
        shares.append(float(parts[2] / sum(parts)))
    return dict(zip(("softmax_share", "softmax_share_additive"), shares, strict=True))


# --- arguments ----------------------------------------------------------------------------


def _as_answers(matrix: ArrayLike, fewest: int) -> np.ndarray:
    """Return a matrix of answers (n, n, outputs) to at least so many images."""
    array = as_numbers("matrix", matrix)
    square = array.ndim == 3 and len(array) == array.shape[1] >= fewest and array.shape[2] > 0
    if not square or array.dtype.kind == "c":
        raise ValueError(
            f"matrix must be real, of the shape (n, n, outputs) with n of at least {fewest}, got "
            f"dtype {array.dtype} and shape {array.shape}"
        )
    return as_inexact("matrix", array)


def _targets(targets: Any, inputs: Any, reading: str) -> np.ndarray | None:
    if targets is None:
        return None
    found = as_array("targets", targets)
    if found.shape != (len(inputs),):
        raise ValueError(f"targets must have the shape ({len(inputs)},), got {found.shape}")
    if found.dtype.kind not in ("biu" if reading == "logits" else "biuf"):
        kind = "integers, the classes," if reading == "logits" else "numbers"
        raise ValueError(f"targets must be {kind} for {reading}, got dtype {found.dtype}")
    return found


def _choose(rng: np.random.Generator, samples: int, n: int) -> np.ndarray:
    if samples < n:
        raise ValueError(f"inputs must have at least n = {n} samples, got {samples}")
    return rng.permutation(samples)[:n]


def _seconds(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds >= 10 else f"{seconds:.1f} s"
