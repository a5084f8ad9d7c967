"""`convac cut` and `convac rank`: what they print, and one sentence for a wrong argument."""

import re

import click
import pytest
from typer.testing import CliRunner

from convac_lib import cuts, partitions
from convac_lib.architecture import Architecture
from convac_workbench.cli.app import app


def run(*arguments):
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def cut(*arguments, channels="3,4,5"):
    return run("cut", "--channels", channels, *arguments)


def test_cut_prints_the_answer_the_table_and_the_bound():
    result = cut("--partition", "AABB AABB", "--local-dim", 2)
    assert result.exit_code == 0
    assert "8 sites, windows of 2" in result.output
    assert "minimal cut  r0² = 9" in result.output
    rows = re.findall(r"^ +(\S+ .*?\))\s+(\d+)\s+(\d+)\s+(\d+)$", result.output, re.MULTILINE)
    assert rows == [
        ("inputs (M)", "2", "0", "8"),
        ("layer 0 (r0)", "3", "2", "4"),
        ("layer 1 (r1)", "4", "0", "2"),
        ("layer 2 (r2)", "5", "0", "1"),
    ]
    assert "at least 4, for almost all weights (Theorem 2" in result.output


@pytest.mark.parametrize(
    "window, text, partition",
    [
        (2, "aabbabab", partitions.as_partition("AABBABAB")),
        (2, "AB|BA|AB|AB", partitions.as_partition("ABBAABAB")),
        (2, "left-right", partitions.left_right(8)),
        (2, "interleaved", partitions.interleaved(8)),
        (2, "blocks:3", partitions.blocks(8, 3)),
        (2, "blocks:3:1", partitions.blocks(8, 3, 1)),
        (2, "random:7", partitions.random_balanced(8, 7)),
        (4, "left-right", partitions.halves(8, "left-right")),
        (4, "top-bottom", partitions.halves(8, "top-bottom")),
        (4, "checkerboard", partitions.checkerboard(8)),
        (4, "interleaved", partitions.interleaved(64)),
        (4, "blocks:3:1", partitions.image_blocks(8, 3, (1, 1))),
        (4, "random:7", partitions.random_balanced(64, 7)),
    ],
)
def test_every_way_to_name_a_partition(window, text, partition):
    result = cut("--window", window, "--partition", text)
    expected = cuts.min_cut(Architecture(window**3, window, 2, (3, 4, 5)), partition)
    assert f"partition    {partitions.as_word(partition)}\n" in result.output
    assert f"minimal cut  {expected.as_product()}\n" in result.output


def test_a_large_cut_is_given_by_its_power_of_ten():
    result = cut("--partition", "interleaved", channels=",".join(["4"] * 10))
    assert result.exit_code == 0
    assert "512 sites in A" in result.output
    assert "M⁵¹² ≈ 10^154.1" in result.output
    assert "at least about 10^154," in result.output


@pytest.mark.parametrize("name", ["cut.png", "cut.svg"])
def test_draw_writes_a_picture(tmp_path, name):
    pytest.importorskip("convac_book.drawing")
    result = cut("--partition", "AABBAABB", "--draw", tmp_path / name)
    assert result.exit_code == 0
    assert (tmp_path / name).stat().st_size > 1000


@pytest.mark.parametrize(
    "arguments, message",
    [
        (("--partition", "AAB"), "partition must have one entry for each of the 8 sites, got 3"),
        (("--partition", "AAAAAAAA"), "partition must have a site on each side, but B is empty"),
        (("--partition", "sideways"), "--partition must be a word of A and B, left-right,"),
        (("--partition", "checkerboard"), "--partition must be a word of A and B, left-right,"),
        (("--partition", "blocks"), "got 'blocks'"),
        (("--partition", "blocks:x"), "got 'blocks:x'"),
        (("--partition", "blocks:1:2:3"), "got 'blocks:1:2:3'"),
        (("--partition", "left-right:3"), "got 'left-right:3'"),
        (("--partition", "blocks:0"), "length must be an integer from 1 to .*, got 0"),
        (("--partition", "left-right", "--window", 1), "window must be an integer of at least 2"),
        (("--partition", "left-right", "--local-dim", 0), "local_dim must be an integer of at"),
        (("--partition", "left-right", "--channels", "3,x"), "--channels must be integers with"),
        (("--partition", "left-right", "--channels", "3,0"), r"channels\[1\] must be an integer"),
        (("--partition", "left-right", "--window", 10**9), r"mean 1000000000\^3 sites; at most"),
        (("--partition", "left-right", "--draw", "no/such.png"), "cannot use no/such.png"),
        (("--partition", "left-right", "--draw", "cut.txtt"), "txtt"),
    ],
)
def test_a_wrong_argument_gets_one_sentence_and_exit_code_2(arguments, message):
    result = cut(*arguments)
    assert result.exit_code == 2
    assert result.stderr.startswith("convac cut: ") and result.stderr.count("\n") == 1
    assert re.search(message, result.stderr)


def test_a_missing_argument_is_named():
    result = run("cut", "--channels", "3")
    assert result.exit_code == 2
    assert "--partition" in click.unstyle(result.stderr)


@pytest.mark.parametrize("command", ["cut", "rank"])
def test_help_explains_the_command_and_every_option(command):
    result = run(command, "--help")
    assert result.exit_code == 0
    for word in ("--channels", "--partition", "--window", "--local-dim", "Example: convac"):
        assert word in click.unstyle(result.output)


def test_rank_that_meets_the_cut():
    result = run("rank", "--channels", "3,4,5", "--partition", "interleaved", "--seed", 3)
    assert result.exit_code == 0
    assert "minimal cut  16\n" in result.output
    assert re.search(r"rank +16 \(modulo \d+, seed 3\)", result.output)
    assert "certified    yes" in result.output


def test_rank_below_the_cut():
    # Shared weights see a pair of equal sites through a symmetric tensor: 3 < 4.
    result = run("rank", "--channels", "4,4", "--partition", "BBAA", "--share", "all")
    assert re.search(r"minimal cut +4\nrank +3 ", result.output)
    assert "certified    no" in result.output


def test_rank_with_a_wrong_argument():
    result = run("rank", "--channels", "4,4", "--partition", "BBAA", "--share", "some")
    assert result.exit_code == 2
    assert result.stderr.startswith("convac rank: share must be one of")
