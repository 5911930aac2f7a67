"""The command line, one file a command: `fedprop run`, `sweep`, `report`, `certify`, `verify`, `bench`, `list`,
`schema` and `export-flower`.

Exit codes: 0 done; 1 a run failed, a claim is broken or undecided, or the disk is full; 2 the input is wrong.
"""

import sys
from pathlib import Path
from typing import Annotated

import typer

from fedprop.cli import bench, certify, export_flower, kinds, report, run, schema, sweep, verify
from fedprop.cli.console import ERR, OUT

app = typer.Typer(
    name="fedprop",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)


def _print_version(asked: bool) -> None:
    if asked:
        from importlib.metadata import version

        OUT.print(version("fedprop"), highlight=False)
        raise typer.Exit


@app.callback()
def options(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version and stop.")
    ] = False,
) -> None:
    """Byzantine-robust federated learning with executable specifications."""
    from fedprop.kernels import check_environment

    check_environment()


app.command()(run.run)
app.command()(sweep.sweep)
app.command()(report.report)
app.command()(certify.certify)
app.command()(verify.verify)
app.command()(bench.bench)
app.command("list")(kinds.list_kinds)
app.command()(schema.schema)
app.command("export-flower")(export_flower.export_flower)


def main() -> None:
    """The console script: runs the app, and turns our own errors into a sentence and an exit code."""
    try:
        try:
            app()
        finally:
            sys.stdout.flush()
    except Exception as error:
        from fedprop.errors import FedpropError, RunFailed, WriteFailed
        from fedprop.files import DISK, cannot_write

        if isinstance(error, OSError) and error.errno in DISK:
            error = cannot_write(Path("the output"), error)
        if not isinstance(error, FedpropError):
            raise
        told = "\n".join([str(error), *getattr(error, "__notes__", ())])
        ERR.print(f"fedprop: {told}", style="red", soft_wrap=True, highlight=False, markup=False)
        sys.exit(1 if isinstance(error, RunFailed | WriteFailed) else 2)
