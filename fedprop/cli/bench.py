"""`fedprop bench`."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from fedprop.cli.console import ERR, OUT
from fedprop.cli.options import DataDir


def bench(
    out: Annotated[Path, typer.Option("--out", help="Where to write the table, the JSON and the figures.")] = Path(
        "runs/bench"
    ),
    device: Annotated[str, typer.Option(help="cpu or cuda.")] = "cpu",
    quick: Annotated[bool, typer.Option("--quick", help="Tiny sizes, to see that everything works.")] = False,
    passes: Annotated[int | None, typer.Option(min=1, help="Turns that everybody takes. Default: 3.")] = None,
    peers: Annotated[
        Path | None, typer.Option(help="The folder that benchmarks/peers_speed/install.py filled.")
    ] = None,
    data_dir: DataDir = None,
) -> None:
    """Measure speed beside other libraries (in a source tree)."""
    from fedprop.bench import bench as run_bench

    command = " ".join(["fedprop", *sys.argv[1:]])
    # Lines instead of a moving display, which would itself take time.
    written = run_bench(
        out, device=device, quick=quick, passes=passes, peers=peers, data_dir=data_dir, command=command, say=ERR.print
    )
    for path in written:
        OUT.print(str(path), soft_wrap=True, highlight=False)
