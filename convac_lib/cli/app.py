"""The command `convac` and its subcommands."""

import typer

from . import design, doctor, exact, own_data, training

COMMANDS = (
    *(exact.cut, exact.rank),
    *(training.train, training.sweep),
    *(own_data.inspect, own_data.evaluate, own_data.predict, own_data.export),
    *(design.design, doctor.doctor),
)

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    help="Convolutional arithmetic circuits: minimal cuts, exact ranks, training, widths.",
)
for command in COMMANDS:
    app.command()(command)
