"""What a sweep's folder says of the sweep: plain data, from which its tables can be made. Nothing in it is ever run."""

import json
from collections.abc import Mapping
from operator import contains
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, NonNegativeInt, ValidationError, model_validator

from fedprop.errors import StoreError
from fedprop.experiments.measures import MeasureName
from fedprop.experiments.sweep.definition import Paper, Sweep
from fedprop.experiments.sweep.matrix import Place, cells
from fedprop.files import write_atomically
from fedprop.types import Frozen

SWEEP_FILE = "sweep.json"


class NotedCell(Frozen):
    """A cell, and why it has no result, if it failed without leaving a run."""

    labels: tuple[str, ...]
    seed: NonNegativeInt
    failure: str = ""

    @property
    def place(self) -> Place:
        """Where it stands."""
        return Place(self.labels, self.seed)


class Note(Frozen):
    """A sweep in plain data.

    Attributes
    ----------
    axes : the labels on each axis.
    config : the sweep's file, to be shown.
    """

    format: Literal[3] = 3
    name: str
    axes: dict[str, tuple[str, ...]]
    measures: Annotated[tuple[MeasureName, ...], Field(min_length=1)]
    paper: Paper
    notes: str
    cells: tuple[NotedCell, ...]
    config: dict[str, Any]

    @model_validator(mode="after")
    def _cells_have_a_place(self) -> "Note":
        axes = list(self.axes.values())
        for cell in self.cells:
            if len(cell.labels) != len(axes) or not all(map(contains, axes, cell.labels)):
                raise ValueError("`cells` must be combinations of the labels on the axes")
        return self


def note_of(sweep: Sweep) -> Note:
    """A sweep as it is noted before anything of it has run."""
    return Note(
        name=sweep.name,
        axes={axis: tuple(choices) for axis, choices in sweep.axes.items()},
        measures=sweep.measures,
        paper=sweep.paper,
        notes=sweep.notes,
        cells=tuple(NotedCell(labels=cell.labels, seed=cell.seed) for cell in cells(sweep)),
        config=sweep.model_dump(mode="json"),
    )


def failed(note: Note, failures: Mapping[str, str]) -> Note:
    """The note with these reasons of failures, by the cells' folders; an empty one for a cell that did not fail."""
    told = [
        cell.model_copy(update={"failure": failures.get(cell.place.slug, cell.failure)})  # of a place that is checked
        for cell in note.cells
    ]
    return note.model_copy(update={"cells": tuple(told)})


def write_note(note: Note, folder: Path) -> None:
    """Write it into the sweep's folder.

    Raises
    ------
    StoreError
        If the folder cannot be written to.
    """
    write_atomically(folder / SWEEP_FILE, note.model_dump_json(indent=1))


def read_note(folder: Path) -> Note:
    """The note in a sweep's folder.

    Raises
    ------
    StoreError
        If there is none, or it is damaged, or of another version of fedprop.
    """
    path = folder / SWEEP_FILE
    try:
        return Note.model_validate(json.loads(path.read_text(encoding="utf-8")))
    except ValidationError as error:
        where = ".".join(map(str, error.errors()[0]["loc"])) or "cells"
        raise StoreError(
            f"{path} is damaged, or of another version of fedprop, at {where!r}; `fedprop sweep` writes it anew"
        ) from None
    except (OSError, ValueError, RecursionError) as error:
        raise StoreError(f"{path} cannot be read: {error}") from None
