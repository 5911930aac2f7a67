"""Draws the pictures of docs/reproductions.md from docs/reproductions.csv and docs/images/shi2022_figure2.csv.

Run it from the root of the repository: `python docs/images/reproductions.py`.
"""

import csv
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

from matplotlib.axes import Axes

from fedprop.report.figures.style import DASHES, GRID, NORMAL, SERIES, SMALL, WIDE, new_figure, png, style

FOLDER = Path(__file__).parent
TABLE = FOLDER.parent / "reproductions.csv"
CURVES = FOLDER / "shi2022_figure2.csv"

RULES = ("Krum", "Trimmed mean", "Median")
ATTACKS = ("NoAttack", "Gaussian", "LabelFlip", "Partial", "Full")
COLOURS = (SERIES[0], SERIES[4], SERIES[2], SERIES[1], SERIES[5])
"""Blue for no attack, vermillion for the strongest."""


def fang(name: str, ticks: Sequence[str], label: str, order: str) -> None:
    """A panel for each rule, a line for each attack; `order` names the places in a cell's labels."""
    with TABLE.open(newline="", encoding="utf-8") as file:
        cells = {line["choices"]: line for line in csv.DictReader(file) if line["sweep"] == f"fang2020/{name}"}
    figure = new_figure(WIDE, 3.6)
    panels: Sequence[Axes] = figure.subplots(1, 3, sharey=True)
    for rule, axes in zip(RULES, panels, strict=True):
        for attack, colour in zip(ATTACKS, COLOURS, strict=True):
            lines = [cells[order.format(rule=rule, attack=attack, tick=tick)] for tick in ticks]
            axes.plot(
                ticks, [float(line["mean"]) for line in lines], color=colour, marker="o", markersize=4, label=attack
            )
            ends = ([float(line[end]) for line in lines] for end in ("lowest", "highest"))
            axes.fill_between(ticks, *ends, color=colour, alpha=0.15, linewidth=0)
        axes.set_xticks(range(len(ticks)), [tick.removeprefix("p = ") for tick in ticks])
        _finish(axes, rule, label)
    panels[0].set_ylabel("test error", fontsize=NORMAL)
    panels[-1].legend(fontsize=SMALL, frameon=False)
    (FOLDER / f"fang2020_{name}.png").write_bytes(png(figure))


def shi() -> None:
    """A panel for each rule, a line for each share of attackers, round by round."""
    curves: dict[tuple[str, str], list[tuple[int, float]]] = defaultdict(list)
    with CURVES.open(newline="", encoding="utf-8") as file:
        for line in csv.DictReader(file):
            curves[line["rule"], line["attackers"]].append((int(line["round"]) + 1, float(line["test_accuracy"])))
    shares = list(dict.fromkeys(share for _, share in curves))
    figure = new_figure(WIDE, 3.6)
    panels: Sequence[Axes] = figure.subplots(1, 2, sharey=True)
    for rule, axes in zip(dict.fromkeys(rule for rule, _ in curves), panels, strict=True):
        for number, share in enumerate(shares):
            at, accuracies = zip(*curves[rule, share], strict=True)
            look = {"color": COLOURS[number], "linestyle": DASHES[number % len(DASHES)]}
            axes.plot(
                at,
                accuracies,
                marker="o",
                markersize=3,
                label=f"{share.lower()} attackers".replace("none", "no"),
                **look,
            )
        _finish(axes, rule, "round")
    panels[0].set_ylabel("test accuracy", fontsize=NORMAL)
    figure.legend(*panels[0].get_legend_handles_labels(), fontsize=SMALL, frameon=False, loc="outside right upper")
    (FOLDER / "shi2022_figure2.png").write_bytes(png(figure))


def _finish(axes: Axes, title: str, label: str) -> None:
    style(axes, title)
    axes.set_xlabel(label, fontsize=NORMAL)
    axes.grid(axis="y", color=GRID)
    axes.set_ylim(bottom=0)


if __name__ == "__main__":
    fang("figure2", ("5%", "10%", "20%", "30%"), "compromised workers", "{rule} / {tick} / {attack}")
    fang(
        "figure3",
        [f"p = 0.{number}" for number in (1, 3, 5, 7, 9)],
        "degree of non-IID, p",
        "{rule} / {attack} / {tick}",
    )
    shi()
