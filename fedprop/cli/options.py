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
