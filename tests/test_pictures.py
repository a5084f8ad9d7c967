"""The pictures that the commands draw."""

import matplotlib.pyplot as plt
from spectra_by_hand import spectrum_of

from convac_lib import Architecture
from convac_workbench.cli.pictures import draw_bond_spectrum


def test_the_picture_shows_bars_caps_and_who_starves():
    narrow = spectrum_of(Architecture.line(5, (4, 4, 4)), [[1] * 4, [1, 1], [1, 1], [1]])
    axes = draw_bond_spectrum(narrow)
    assert [len(ax.patches) for ax in axes] == [4, 4, 4, 1]
    assert axes[0].patches[0].get_hatch() and not axes[1].patches[0].get_hatch()
    assert axes[0].get_xlabel() == "sites\n4 of 4, starves"
    assert axes[2].get_xlabel() == "blocks of 4\n2 of 4"
    _, given_axes = plt.subplots(1, 4)
    assert draw_bond_spectrum(narrow, given_axes) is given_axes
    plt.close("all")
