"""The command `convac` and its subcommands."""

import typer

from . import arrange, design, doctor, exact, interaction, own_data, training

COMMANDS = (
    *(exact.cut, exact.rank),
    *(training.train, training.sweep),
    *(own_data.inspect, own_data.evaluate, own_data.predict, own_data.export),
    *(design.design, interaction.interaction, arrange.arrange, doctor.doctor),
)

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    help="Convolutional arithmetic circuits: cuts, exact ranks, training, widths, interaction.",
)
for command in COMMANDS:
    app.command()(command)
