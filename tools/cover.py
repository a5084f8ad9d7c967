"""Draw the picture at the top of the README, from the networks themselves."""

from pathlib import Path

import matplotlib

matplotlib.use("svg")
import matplotlib.pyplot as plt

from convac_book.drawing import draw_network
from convac_lib import Architecture, min_cut
from convac_lib.partitions import interleaved

TARGET = Path(__file__).resolve().parent.parent / "book" / "_assets" / "two-profiles.svg"


def main():
    plt.style.use("convac_book.convac")
    # Fixed names and no date: the same networks give the same bytes.
    plt.rcParams.update({"svg.hashsalt": "convac", "savefig.facecolor": "white"})
    fig, axes = plt.subplots(1, 2, figsize=(10, 3.4))
    profiles = {"wide base": (4, 2, 2), "wide tip": (2, 5, 6)}
    for ax, (name, channels) in zip(axes, profiles.items(), strict=True):
        network = Architecture.line(local_dim=4, channels=channels)
        cut = min_cut(network, interleaved(8))
        draw_network(network, interleaved(8), cut, ax=ax)
        ax.set_title(f"{name}: {network.parameter_count()} weights, cut {cut.weight}")
    fig.savefig(TARGET, metadata={"Date": None})


if __name__ == "__main__":
    main()
