"""How the cells of a sweep ended, and where they lie."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fedprop.errors import InvalidConfig
from fedprop.store import RunStore
from fedprop.sweep.matrix import Cell


@dataclass(frozen=True)
class CellResult:
    """How a cell ended: its summary, or why there is none."""

    cell: Cell
    summary: Mapping[str, Any]
    failure: str = ""


def finished(out: Path, cell: Cell) -> CellResult | None:
    """The result of a cell that an earlier call finished with the same settings; None if there is none.

    Raises
    ------
    InvalidConfig
        If the folder holds a run with other settings.
    """
    store = RunStore(cell_folder(out, cell))
    if not store.exists:
        return None
    if store.meta("settings") != cell.experiment.model_dump(mode="json"):
        raise InvalidConfig(f"{store.folder} holds a run of another configuration; choose another --out")
    summary = store.meta("summary")
    return None if summary is None else CellResult(cell, summary)


def cell_folder(out: Path, cell: Cell) -> Path:
    """Where a cell's run lies."""
    return out / "cells" / cell.slug
