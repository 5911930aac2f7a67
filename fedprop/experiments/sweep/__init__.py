"""A matrix of experiments: what it is (definition.py), its cells (matrix.py), running it (running.py; on_ray.py on a
cluster), and how its cells ended.

What lies in its folder beside the cells is plain data (note.py).
"""

from fedprop.experiments.sweep.definition import Paper, Sweep
from fedprop.experiments.sweep.matrix import Cell, Place, cells, load_sweep, over_seeds
from fedprop.experiments.sweep.note import SWEEP_FILE, Note, NotedCell, note_of, read_note
from fedprop.experiments.sweep.results import CellResult, cell_folder, stored
from fedprop.experiments.sweep.running import Pool, run_cell, run_sweep

__all__ = [
    "SWEEP_FILE",
    "Cell",
    "CellResult",
    "Note",
    "NotedCell",
    "Paper",
    "Place",
    "Pool",
    "Sweep",
    "cell_folder",
    "cells",
    "load_sweep",
    "note_of",
    "over_seeds",
    "read_note",
    "run_cell",
    "run_sweep",
    "stored",
]
