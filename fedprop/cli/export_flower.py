"""`fedprop export-flower`."""

from pathlib import Path
from typing import Annotated

import typer

from fedprop.cli.console import OUT
from fedprop.cli.options import Assignments, File


def export_flower(
    file: File,
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Where the app goes.", show_default=False)],
    assignments: Assignments = [],  # noqa: B006 - typer copies it
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Write an app in DIR anew.")] = False,
) -> None:
    """Write an experiment as a Flower app, for real devices."""
    from fedprop.experiments.config_file import override, read_mapping

    settings = override(read_mapping(file), assignments)

    from fedprop.flower.export import export

    left_out = export(settings, str(file), folder, overwrite=overwrite)
    OUT.print(f"app: {folder / 'pyproject.toml'}", soft_wrap=True, highlight=False)
    if left_out:
        OUT.print(f"left out, since devices bring their own: {', '.join(left_out)}", soft_wrap=True, highlight=False)
