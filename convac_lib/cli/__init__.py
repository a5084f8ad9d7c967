"""The command `convac`: the library's answers without writing Python."""

import typer

from . import design, exact, training

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    help="Convolutional arithmetic circuits: minimal cuts, exact ranks, training, widths.",
)
exact.register(app)
training.register(app)
design.register(app)
