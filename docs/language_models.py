"""What docs/language_models.md shows: its numbers by round, and its picture.

python docs/language_models.py            # the picture, from docs/language_models.csv
python docs/language_models.py E8 E9      # first the numbers, from the folders of the two sweeps of sims/fedsecurity
"""

import csv
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from fedprop.experiments.store import RunStore
from fedprop.report.figures.style import (
    COMPROMISED,
    DASHES,
    HONEST,
    SERIES,
    WIDE,
    new_figure,
    png,
    style,
    whole_numbers,
)

TABLE = Path(__file__).with_suffix(".csv")
PICTURE = TABLE.parent / "images" / "language_models.png"


class Look(NamedTuple):
    """How a run is drawn."""

    label: str
    colour: str
    dashes: Any = "solid"


LOOKS = {
    "8": {
        "no-attack-mean-seed0": Look("no attack, mean", HONEST),
        "replacement-mean-seed0": Look("replacement, mean", COMPROMISED),
        "replacement-m-krum-seed0": Look("replacement, m-Krum", SERIES[2], DASHES[1]),
    },
    "9": {
        "no-attack-none-seed0": Look("no attack, mean", HONEST),
        "no-attack-m-krum-seed0": Look("no attack, m-Krum", HONEST, DASHES[2]),
        "random-none-seed0": Look("random, mean", COMPROMISED),
        "random-m-krum-seed0": Look("random, m-Krum", SERIES[2], DASHES[1]),
    },
}
"""The runs of each experiment, by the names of their folders."""


class Line(NamedTuple):
    """One round of one run."""

    experiment: str
    run: str
    round: int
    accuracy: float | None
    loss: float | None
    success: float | None


def kept(experiment: str, folder: Path) -> Iterator[Line]:
    """What the runs of a sweep's folder have kept."""
    for cell in sorted((folder / "cells").iterdir()):
        for record in RunStore(cell).each_round():
            reading = record.numbers.get("attack_success_rate")
            success = None if reading is None else reading.value
            yield Line(experiment, cell.name, record.round, record.accuracy, record.loss, success)


def read() -> list[dict[str, str]]:
    """The lines of the table."""
    with TABLE.open(encoding="utf-8", newline="") as file:
        return [*csv.DictReader(file)]


def write(folders: list[Path]) -> None:
    """The table, from the folders of the sweeps of Experiments 8 and 9."""
    with TABLE.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(Line._fields)
        for experiment, folder in zip(("8", "9"), folders, strict=True):
            writer.writerows(kept(experiment, folder))


def draw() -> None:
    """Three panels: accuracy and the backdoor's success in Experiment 8, test loss in Experiment 9."""
    figure = new_figure(WIDE, 3.6)
    panels = (
        ("8", "accuracy", "Experiment 8", "test accuracy, 20 groups"),
        ("8", "success", "Its backdoor", "answers that the attacker wants"),
        ("9", "loss", "Experiment 9", "test loss of a byte, nats"),
    )
    for axes, (experiment, field, title, told) in zip(figure.subplots(1, 3), panels, strict=True):
        for run, look in LOOKS[experiment].items():
            lines = [line for line in read() if line["run"] == run and line[field]]
            if lines:
                numbers = [int(line["round"]) + 1 for line in lines], [float(line[field]) for line in lines]
                axes.plot(*numbers, color=look.colour, linestyle=look.dashes, label=look.label)
        axes.set_xlabel("round")
        axes.set_ylim(bottom=None if field == "loss" else -0.02)
        axes.legend(frameon=False, fontsize=8)
        whole_numbers(axes, axis="x")
        style(axes, title, told)
    PICTURE.write_bytes(png(figure))


if __name__ == "__main__":
    if sys.argv[1:]:
        write([Path(folder) for folder in sys.argv[1:]])
    draw()
