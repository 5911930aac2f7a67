"""Write docs/reproductions.md from docs/reproductions_text.md: our tables, and what the prose takes from them.

    python docs/reproductions.py            # the page, from the text and docs/reproductions.csv
    python docs/reproductions.py FOLDER     # first the numbers of the sweeps in FOLDER/PAPER/NAME, named as in sims/

In the text, `{=table("fang2020/table4")}` stands for a table of that sweep's numbers, and `{=t1["Krum", "Full"]}` for a
number of the first table of its section, as it is printed there, however it came to be there; `.paper` is the paper's
beside it. `{=t1["a", "b"] - t1["a", "c"]:.2f}` works a number out. `{?t1["a", "b"] < 0.2}` shows nothing, and the page
is not written where it is false: what the prose says in words stands or falls with the numbers.
"""

import csv
import re
import sys
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from statistics import fmean
from typing import Any

import yaml

PAGE = Path(__file__).with_suffix(".md")
TEXT = PAGE.with_name("reproductions_text.md")
TABLE = PAGE.with_suffix(".csv")
SIMS = PAGE.parents[1] / "sims"
FIELDS = ("sweep", "choices", "measure", "trials", "failed", "doubtful", "mean", "lowest", "highest")
"""What a line of the table tells of a cell: how many seeds ran, failed, and ended but not as was asked for; the mean of
the others, and its ends."""

CHOICES = " / "
"""Between the labels of a cell, in the order of the sweep's axes."""

SHOWN = re.compile(r"\{([=?])(.+?)(?::(\.\d\w))?\}")
STAR = r"\*"
"""Beside a mean of which not all runs are what was asked for."""


class Cell(float):
    """What stands in a table: our number, as it is printed, and the paper's behind it in brackets."""

    text: str
    paper: float

    def __new__(cls, text: str) -> "Cell":
        found = re.fullmatch(r"(-?[\d.]+)(?:\\\*)?(?:[ ,].*?)?(?:\(([\d.]+)\))?", text)
        if found is None:
            raise ValueError(f"no number stands in the cell {text!r}")
        cell = super().__new__(cls, found[1])
        cell.text, cell.paper = found[1], float(found[2] or "nan")
        return cell

    def __format__(self, form: str) -> str:
        return super().__format__(form) if form else self.text


Grid = dict[tuple[str, str], Cell]


def condensed(folder: Path) -> list[dict[str, object]]:
    """A line for each cell and measure of the sweeps in a folder."""
    lines: list[dict[str, object]] = []
    for file in sorted(folder.glob("*/*/results.csv")):
        name = f"{file.parents[1].name}/{file.parent.name}"
        with file.open(newline="", encoding="utf-8") as opened:
            trials = [*csv.DictReader(opened)]
        axes, measures = _columns(trials[0])
        cells: dict[str, list[dict[str, str]]] = defaultdict(list)
        for trial in trials:
            cells[CHOICES.join(trial[axis] for axis in axes)].append(trial)
        lines += [_told(name, choices, cell, measure) for choices, cell in cells.items() for measure in measures]
    return lines


def _columns(line: Mapping[str, str]) -> tuple[list[str], list[str]]:
    """The axes and the measures of a sweep's results."""
    names = [name for name in line if name not in ("failure", "doubts")]
    seed = names.index("seed")
    return names[:seed], names[seed + 1 :]


def _told(sweep: str, choices: str, trials: Sequence[Mapping[str, str]], measure: str) -> dict[str, object]:
    values = [float(trial[measure]) for trial in trials if not trial["failure"] and trial[measure]]
    ends = {"mean": fmean(values), "lowest": min(values), "highest": max(values)} if values else {}
    return {
        "sweep": sweep,
        "choices": choices,
        "measure": measure,
        "trials": len(trials),
        "failed": sum(bool(trial["failure"]) for trial in trials),
        "doubtful": sum(bool(trial["doubts"]) and not trial["failure"] for trial in trials),
        **{name: round(value, 4) for name, value in ends.items()},
    }


def keep(lines: Iterable[Mapping[str, object]]) -> None:
    """Write docs/reproductions.csv, with these lines in place of those of the same sweeps."""
    new = [*lines]
    renewed = {line["sweep"] for line in new}
    before = [line for line in kept() if line["sweep"] not in renewed]
    with TABLE.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, FIELDS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(sorted([*before, *new], key=lambda line: str(line["sweep"])))


def kept() -> list[dict[str, str]]:
    """The lines of docs/reproductions.csv."""
    if not TABLE.exists():
        return []
    with TABLE.open(newline="", encoding="utf-8") as file:
        return [*csv.DictReader(file)]


def table(
    sweep: str,
    *,
    measure: str = "",
    turned: bool = False,
    spread: bool = False,
    rows: str | Sequence[str] = "",
    columns: str = "",
    paper: Sequence[str] = (),
    only: Sequence[str] = (),
    **fixed: str,
) -> str:
    """A sweep's numbers: the first axis, or those named, as rows, the second as columns, a choice of the others fixed.

    `measure` is the sweep's first one by default, beside which stand the paper's numbers in the sweep's file; `paper`
    gives those of another one, a text for each row. `turned` shows errors for accuracies, `spread` the least and the
    most of all seeds behind their mean. `only` names the rows of the first axis that were run, if not all were.
    """
    settings = yaml.safe_load((SIMS / f"{sweep}.yaml").read_text(encoding="utf-8"))
    axes: dict[str, list[str]] = {axis: [str(label) for label in told] for axis, told in settings["axes"].items()}
    first, second, *_ = axes
    down, across = ((rows,) if isinstance(rows, str) else tuple(rows)) if rows else (first,), columns or second
    beside = {} if measure else settings.get("paper", {}).get("values", {})
    if paper:
        theirs = [dict(zip(axes[across], map(float, told.split()), strict=True)) for told in paper]
        beside = dict(zip(axes[down[0]], theirs, strict=True))
    axes[down[0]] = [label for label in axes[down[0]] if not only or label in only]
    lines = _of(sweep, measure or settings.get("measures", ["test_error"])[0])
    found = [["", *axes[across]], ["---"] * (1 + len(axes[across]))]
    for labels in _products([axes[axis] for axis in down]):
        chosen = {**fixed, **dict(zip(down, labels, strict=True))}
        places = [CHOICES.join({**chosen, across: label}[axis] for axis in axes) for label in axes[across]]
        numbers = [beside.get(labels[0], {}).get(label) for label in axes[across]]
        told = [_printed(lines[p], t, turned=turned, spread=spread) for p, t in zip(places, numbers, strict=True)]
        found.append([", ".join(labels), *told])
    return "\n".join(f"| {' | '.join(line)} |".replace("|  |", "| |") for line in found)


def _of(sweep: str, measure: str) -> dict[str, dict[str, str]]:
    return {line["choices"]: line for line in kept() if (line["sweep"], line["measure"]) == (sweep, measure)}


def _products(axes: Sequence[Sequence[str]]) -> list[tuple[str, ...]]:
    if not axes:
        return [()]
    return [(label, *rest) for label in axes[0] for rest in _products(axes[1:])]


def _printed(line: Mapping[str, str], paper: float | None, *, turned: bool, spread: bool) -> str:
    if int(line["failed"]) or not line["mean"]:
        return "failed"
    told = [float(line[name]) for name in ("mean", "lowest", "highest")]
    mean, *ends = (1 - value for value in told) if turned else told
    ours = f"{mean:.3f}{STAR * bool(int(line['doubtful']))}"
    if spread:
        ours += f", {min(ends):.2f} to {max(ends):.2f}"
    return ours if paper is None else f"{ours} ({paper:.2f})"


def page() -> str:
    """The whole page: the numbers by program, the reading by hand."""
    sections = re.split(r"^(?=## )", TEXT.read_text(encoding="utf-8"), flags=re.MULTILINE)
    return "".join(map(_section, sections))


def _section(text: str) -> str:
    """One section: first its tables, and then what the prose takes from them."""
    drawn = SHOWN.sub(lambda found: table_of(found) or found[0], text)
    grids = {f"t{number}": grid for number, grid in enumerate(grids_of(drawn), start=1)}
    return re.sub(r"\{\?.+?\}\n?", lambda found: _checked(found[0], grids), _filled(drawn, grids))


def table_of(found: re.Match[str]) -> str:
    """The table that an expression asks for; empty if it asks for none."""
    return str(_value(found[2], {"table": table})) if found[2].startswith("table(") else ""


def _filled(text: str, grids: Mapping[str, Grid]) -> str:
    def shown(found: re.Match[str]) -> str:
        if found[1] == "?":
            return found[0]
        value = _value(found[2], grids)
        return format(value, found[3] or ("" if isinstance(value, Cell | int) else ".3f"))

    return SHOWN.sub(shown, text)


def _checked(text: str, grids: Mapping[str, Grid]) -> str:
    claim = text.strip()[2:-1]
    if not _value(claim, grids):
        raise AssertionError(f"the text of the page claims what its tables do not say: {claim}")
    return ""


def _value(expression: str, names: Mapping[str, object]) -> Any:
    return eval(expression, {**names})  # noqa: S307  the text is ours


def grids_of(text: str) -> list[Grid]:
    """The numbers of each table in a section, by row and column."""
    grids = []
    for found in re.findall(r"(?:^\|.*\n)+", text, re.MULTILINE):
        head, _, *lines = ([cell.strip() for cell in line.strip("|\n").split("|")] for line in found.splitlines())
        cells = {(row, column): cell for row, *told in lines for column, cell in zip(head[1:], told, strict=True)}
        grids.append({place: Cell(cell) for place, cell in cells.items() if re.match(r"-?\d", cell)})
    return grids


if __name__ == "__main__":
    if sys.argv[1:]:
        keep(condensed(Path(sys.argv[1])))
    PAGE.write_text(page(), encoding="utf-8")
