"""A sweep as a spreadsheet: every cell has a line, and one that failed has no numbers."""

import csv

from fedprop.experiments.sweep import CellResult, Sweep, cells, note_of
from fedprop.report.results_table import write_results

BASE = {"rounds": 1, "clients": 5, "data": {"kind": "digits"}, "model": {"kind": "logistic_regression"}}
AXES = {"rule": {"Mean": {}, "Krum, f = 1": {"defense": {"kind": "krum", "f": 1}}}}

IDLE = {"kind": "late", "failed": 0, "failure": "", "idle": "no update of its clients was accepted"}
DOUBTFUL = {
    "defense": "krum",
    "numbers": {},
    "attacks": [IDLE],
    "rounds": 9,
    "failed_rounds": 2,
    "commonest_failure": "of NaN",
}
DOUBTS = (
    "attack late had no effect: no update of its clients was accepted; 2 of 9 rounds failed, most often since of NaN"
)


def test_every_cell_has_a_line(tmp_path):
    sweep = Sweep(name="small", base=BASE, axes=AXES, seeds=(0, 3), measures=("test_error", "epsilon"))
    numbers = {"test_error": {"label": "test error", "value": 0.25, "text": "0.25"}}
    first, second, third, fourth = cells(sweep)
    results = [
        CellResult(first, {"numbers": numbers}),
        CellResult(second, {"numbers": numbers}, failure='all failed, "often"'),
        CellResult(fourth, DOUBTFUL),
    ]
    assert third not in [result.cell for result in results]
    path = write_results(note_of(sweep), results, tmp_path)
    with path.open(newline="", encoding="utf-8") as file:
        assert list(csv.reader(file)) == [
            ["rule", "seed", "test_error", "epsilon", "failure", "doubts"],
            ["Mean", "0", "0.25", "", "", ""],
            ["Mean", "3", "", "", 'all failed, "often"', ""],
            ["Krum, f = 1", "0", "", "", "not run to its end yet", ""],
            ["Krum, f = 1", "3", "", "", "", DOUBTS],
        ]
