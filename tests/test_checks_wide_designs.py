"""The checks of the chapter on wide-base and wide-tip networks."""

import numpy as np
import pytest
from scipy import stats

from convac_book.checks import wide_designs as check


@pytest.mark.parametrize("r, m, y", [(6, 10, 10), (5, 10, 4), (7, 3, 10), (4, 20, 2)])
def test_count_the_weights(r, m, y):
    low, high = 31 * r**2 + 4 * m * r, 31 * r**2 + m * r
    base, tip = low + y * r, high + 4 * y * r
    assert check.count_the_weights((base, tip), r, m, y)
    assert check.count_the_weights(np.array([base, tip]), r, m, y)
    assert "dense" in str(check.count_the_weights((low, high), r, m, y))
    assert "first" in str(check.count_the_weights((base - 4 * m * r, tip - m * r), r, m, y))
    assert "tip:" in str(check.count_the_weights((base, tip + 1), r, m, y))
    if m != y:
        assert "exchanged" in str(check.count_the_weights((tip, base), r, m, y))
        assert "31 r^2" in str(check.count_the_weights((31 * r**2 + 50 * r,) * 2, r, m, y))
    assert not check.count_the_weights(base, r, m, y)


@pytest.mark.parametrize("a, layers", [(2.0, 4), (1.0, 6), (0.5, 1), (3.0, 5)])
def test_signal_left(a, layers):
    widths = tuple(range(3, 4 + layers))
    # Measured: the mean square through wide layers of random weights.
    rng = np.random.default_rng(0)
    v = rng.normal(size=(50, 600))
    size = np.sqrt(np.mean(v**2))
    for _ in range(layers):
        v = np.maximum(v @ rng.uniform(-a, a, (600, 600)) / 600**0.5, 0)
    left = (a / 6**0.5) ** layers
    assert np.sqrt(np.mean(v**2)) / size == pytest.approx(left, rel=0.1)
    assert check.signal_left(left, 6**0.5, a, widths)
    told = {
        "mean square": left**2,
        "k layers": left * a / 6**0.5,
        "ReLU": (a / 3**0.5) ** layers,
    }
    for words, wrong in told.items():
        if layers > 1 or words == "ReLU":  # one layer has more than one reading
            assert words in str(check.signal_left(wrong, 6**0.5, a, widths))
    assert "keeps" in str(check.signal_left(left, 6, a, widths))
    assert not check.signal_left("much", 6**0.5, a, widths)


BASE, TIP = [0.61, 0.66, 0.60, 0.64, 0.65], [0.58, 0.61, 0.59, 0.64]


def test_gap_interval():
    found = stats.ttest_ind(BASE, TIP, equal_var=False).confidence_interval()
    low, high = found.low, found.high
    centre, half = (low + high) / 2, (high - low) / 2
    assert check.gap_interval((low, high), BASE, TIP)
    assert check.gap_interval([low, high], np.array(BASE), np.array(TIP))
    error = sum(np.var(x, ddof=1) / len(x) for x in (BASE, TIP)) ** 0.5
    narrow = sum(np.var(x) / len(x) for x in (BASE, TIP)) ** 0.5
    told = {
        "tip less base": (-high, -low),
        "above": (high, low),
        "centre is the mean": (low + 0.01, high + 0.01),
        "1.96": (centre - 1.96 * error, centre + 1.96 * error),
        "not by n": (centre - half * narrow / error, centre + half * narrow / error),
        "shorter list": (centre - 3.18245 * error, centre + 3.18245 * error),
        "half width is not": (centre - 2.2 * half, centre + 2.2 * half),
    }
    for words, answer in told.items():
        verdict = check.gap_interval(answer, BASE, TIP)
        assert not verdict and words in str(verdict), (words, verdict)
    assert not check.gap_interval(centre, BASE, TIP)


@pytest.mark.parametrize("gap, spread", [(0.02, 0.015), (0.03, 0.01), (0.01, 0.02), (0.5, 0.01)])
def test_enough_seeds(gap, spread):
    def seen(n):  # two samples with that spread and that gap, by SciPy's test of summaries
        test = stats.ttest_ind_from_stats(gap, spread, n, 0, spread, n, equal_var=False)
        return test.pvalue < 0.05

    least = next(n for n in range(2, 1000) if seen(n))
    assert check.enough_seeds(least, gap, spread)
    if least > 2:
        assert "so few" in str(check.enough_seeds(least - 1, gap, spread))
    assert "fewer are too" in str(check.enough_seeds(least + 1, gap, spread))
    assert "unknown" in str(check.enough_seeds(1, gap, spread))
    assert not check.enough_seeds("some", gap, spread)
