"""docs/language_models.md: its tables hold the numbers that the sweeps left, and these are what the files ask for."""

import csv
from pathlib import Path

from fedprop.experiments.sweep import cells, load_sweep

DOCS = Path(__file__).parent.parent / "docs"
SIMS = DOCS.parent / "sims" / "fedsecurity"
SHOWN = {"8": ("accuracy", "success"), "9": ("loss", "accuracy")}


def ends():
    """The last round of each run."""
    with (DOCS / "language_models.csv").open(encoding="utf-8", newline="") as file:
        return {(line["experiment"], line["run"]): line for line in csv.DictReader(file)}


def test_tables_hold_the_last_rounds():
    page = (DOCS / "language_models.md").read_text(encoding="utf-8")
    for (experiment, run), line in ends().items():
        told = " | ".join(f"{float(line[name]):.2f}" if line[name] else "" for name in SHOWN[experiment])
        assert f"| {told} |".replace("  |", " |") in page, run


def test_each_run_is_a_cell_of_its_sweep_and_has_all_its_rounds():
    for experiment in SHOWN:
        found = {run: int(line["round"]) + 1 for (number, run), line in ends().items() if number == experiment}
        matrix = cells(load_sweep(SIMS / f"experiment{experiment}.yaml"))
        assert found == {cell.slug: cell.experiment.rounds for cell in matrix}
