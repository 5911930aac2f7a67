"""`fedprop report`."""

from pathlib import Path
from typing import Annotated

import typer

from fedprop.cli.console import OUT


def report(folder: Annotated[Path, typer.Argument(help="The folder of a run or a sweep.", show_default=False)]) -> None:
    """Write figures, an HTML page and a Chrome trace."""
    from fedprop.report.publish import publish

    OUT.print(f"report: {publish(folder)}", soft_wrap=True, highlight=False)
