"""The arguments and options that several commands share."""

from pathlib import Path
from typing import Annotated

import typer

File = Annotated[Path, typer.Argument(help="A YAML file.", show_default=False)]
Assignments = Annotated[list[str], typer.Option("--set", metavar="a.b=YAML", help="Change one setting; repeatable.")]
DataDir = Annotated[Path | None, typer.Option(envvar="FEDPROP_DATA_DIR", help="The folder with the data files.")]
OutDir = Annotated[
    Path | None, typer.Option("--out", help="Where to keep the results. Default: a new folder in runs/.")
]
Jobs = Annotated[int, typer.Option(min=0, help="Runs at a time; 0 takes one for each processor.")]
Trackers = Annotated[
    list[str],
    typer.Option("--track", metavar="YAML", help="Hand numbers and pictures to a tracker: tensorboard, mlflow, wandb."),
]
Seeds = Annotated[
    str | None, typer.Option(metavar="A..B", help="One run for each of these seeds: a range, or a list such as [1, 4].")
]
