"""A matrix of experiments: what it is (matrix.py), running it (running.py), and how its cells ended (results.py)."""

from fedprop.sweep.matrix import Cell, Paper, Sweep, cells, load_sweep
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
