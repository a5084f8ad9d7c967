"""The command `convac`: the library's answers without writing Python."""

import typer

from . import exact, training

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    help="Convolutional arithmetic circuits: minimal cuts, exact ranks, training.",
)
exact.register(app)
training.register(app)
