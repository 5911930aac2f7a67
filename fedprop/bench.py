"""The entrance to the benchmarks, which come with the source tree and not with the installed package."""

import importlib
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import torch

from fedprop.errors import InvalidConfig

ROOT = Path(__file__).parents[1]


def bench(
    out: Path,
    *,
    device: str,
    quick: bool,
    passes: int | None = None,
    peers: Path | None,
    data_dir: Path | None,
    command: str,
    say: Callable[[str], None],
) -> list[Path]:
    """Measure fedprop beside the peers that are there; the files written in `out`, anew after each part.

    Until all parts are measured they are named `speed-partial`, and an older whole result stays as it is.

    Parameters
    ----------
    device : cpu or cuda.
    quick : tiny sizes, to see that everything works.
    passes : how many turns everybody takes; None for three, and one of a quick run.
    peers : the folder with an environment for each library that is compared in training.
    command : how this was called, for the record.
    say : is told what is being measured.

    Raises
    ------
    InvalidConfig
        If there is no source tree, or no such device or folder.
    """
    if not (ROOT / "benchmarks" / "run.py").is_file():
        raise InvalidConfig(f"`fedprop bench` needs the source tree, whose folder `benchmarks` is not in {ROOT}")
    if peers is not None and not peers.is_dir():
        raise InvalidConfig(f"`--peers` must name a folder with environments; found {peers}")
    if device not in ("cpu", "cuda"):
        raise InvalidConfig(f"`--device` must be cpu or cuda for `fedprop bench`; found {device!r}")
    if device == "cuda" and not torch.cuda.is_available():
        raise InvalidConfig("`--device` must be available on this machine; torch finds no CUDA device here")
    benchmarks = load()
    written: list[Path] = []
    for results in benchmarks.measure(
        device=device, quick=quick, passes=passes, peers=peers, data_dir=data_dir, command=command, say=say
    ):
        written = benchmarks.write(results, out)
    return written


def load() -> ModuleType:
    """The source tree's `benchmarks.run`, and no other package of that name: opacus, for one, installs one, too."""
    sys.path.insert(0, str(ROOT))
    try:
        return importlib.import_module("benchmarks.run")
    finally:
        sys.path.remove(str(ROOT))
