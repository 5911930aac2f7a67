"""How the cells of a sweep ended, and where they lie."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from fedprop.errors import DataUnavailable, StoreError
from fedprop.experiments.assembly import extra_classes, materials
from fedprop.experiments.experiment import Experiment
from fedprop.experiments.identity import code_of, data_digest, module_digest, settings_of
from fedprop.experiments.resuming import Identity, check_same
from fedprop.experiments.store import RunStore
from fedprop.experiments.sweep.matrix import Cell, Place


@dataclass(frozen=True)
class CellResult:
    """How a cell ended.

    Attributes
    ----------
    summary : of its run; empty if that came to no end.
    failure : why it is no result, or an empty string.
    refused : whether it could not even begin.
    kept : whether an earlier call ran it.
    """

    cell: Place
    summary: Mapping[str, Any]
    failure: str = ""
    refused: bool = False
    kept: bool = False


def cell_folder(out: Path, cell: Place) -> Path:
    """Where a cell's run lies."""
    return out / "cells" / cell.slug


def stored(out: Path, cell: Place, failure: str = "") -> CellResult | None:
    """How a cell has ended so far, by what lies in its folder; None if it has not.

    `failure` is why it failed, if nothing in its folder says how it ended.
    """
    store = RunStore(cell_folder(out, cell))
    try:
        summary = store.mapping("summary") if store.exists else None
        if summary is not None:
            return CellResult(cell, summary, summary.get("failure", ""))
        failure = failure or (store.meta("failure") if store.exists else "") or ""
    except StoreError as error:
        failure = str(error)
    return CellResult(cell, {}, failure) if failure else None


class Reuse:
    """Which results of earlier calls are those of the cells asked for now.

    Data and model are loaded once for all cells that name the same, with as many outputs.
    """

    def __init__(self, out: Path, data_dir: Path | None) -> None:
        self._out = out
        self._data_dir = data_dir
        self._digests: dict[str, dict[str, str]] = {}

    def finished(self, cell: Cell) -> CellResult | None:
        """The result of a cell that has one, and of the same settings, data, model and code; None if it has none.

        Raises
        ------
        StoreError
            If the folder holds a run of something else.
        """
        store = RunStore(cell_folder(self._out, cell))
        if not store.exists:
            return None
        found = stored(self._out, cell)
        if found is not None and found.failure:
            return None
        parts: dict[str, Any] = {"code": code_of(cell.experiment)}
        settings = settings_of(cell.experiment)
        check_same(store, Identity(settings, parts))
        if found is None:
            return None
        check_same(store, Identity(settings, self._materials(cell.experiment, settings)))
        return replace(found, kept=True)

    def _materials(self, experiment: Experiment, settings: Mapping[str, Any]) -> dict[str, str]:
        """Digests of an experiment's data and model; nothing where the data are not here."""
        key = json.dumps([*(settings[name] for name in ("data", "model", "seed")), extra_classes(experiment)])
        if key not in self._digests:
            try:
                data, module = materials(experiment, data_dir=self._data_dir)
                self._digests[key] = {"data": data_digest(data), "model": module_digest(module)}
            except DataUnavailable:
                self._digests[key] = {}
        return self._digests[key]
