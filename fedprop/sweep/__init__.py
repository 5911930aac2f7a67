"""A matrix of experiments: what it is (definition.py), its cells (matrix.py), running it, and what became of it."""

from fedprop.sweep.definition import Paper, Sweep
from fedprop.sweep.matrix import Cell, cells, load_sweep
from fedprop.sweep.results import CellResult, cell_folder, finished
from fedprop.sweep.running import SWEEP_FILE, run_cell, run_sweep

__all__ = [
    "SWEEP_FILE",
    "Cell",
    "CellResult",
    "Paper",
    "Sweep",
    "cell_folder",
    "cells",
    "finished",
    "load_sweep",
    "run_cell",
    "run_sweep",
]
