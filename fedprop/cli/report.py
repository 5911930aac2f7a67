"""`fedprop report`."""

from pathlib import Path
from typing import Annotated

import typer

from fedprop.cli.console import OUT
from fedprop.cli.options import Trackers
from fedprop.cli.tracking import track_folder, trackers_of


def report(
    folder: Annotated[Path, typer.Argument(help="The folder of a run or a sweep.", show_default=False)],
    track: Trackers = [],  # noqa: B006 - typer copies it
) -> None:
    """Write figures, an HTML page and a Chrome trace; with --track hand all that is there to trackers, too."""
    from fedprop.report.publish import publish

    trackers = trackers_of(track)
    OUT.print(f"report: {publish(folder)}", soft_wrap=True, highlight=False)
    track_folder(folder, trackers)
