"""The command `convac` and its subcommands."""

import typer

from . import design, doctor, exact, training

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    help="Convolutional arithmetic circuits: minimal cuts, exact ranks, training, widths.",
)
for module in (exact, training, design, doctor):
    module.register(app)
