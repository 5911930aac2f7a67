"""Write docs/defenses.md and its pictures: what came out of `fedprop sweep sims/catalogue.yaml`.

`python docs/defenses.py runs/catalogue/results.csv` condenses the sweep's table to docs/defenses.csv, a line for the
trials of each combination, and draws the pictures; without an argument the page is written anew from that file, as
`nox -s catalogue` does, since the page says which kinds have no numbers yet.
"""

import csv
import sys
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from statistics import fmean, stdev
from typing import Any, NamedTuple

from matplotlib.axes import Axes
from matplotlib.figure import Figure

PAGE = Path(__file__).with_suffix(".md")
TABLE = PAGE.with_suffix(".csv")
IMAGES = PAGE.parent / "images"
SWEEP = PAGE.parents[1] / "sims" / "catalogue.yaml"
MEASURES = ("test_accuracy", "attackers_excluded", "honest_excluded", "wall_seconds_per_round")
NOTHING = "Mean"
"""The row to which the others are compared: no defense."""

NO_ATTACK = "None"

CLOSE = 0.05
"""A defense holds where its accuracy is at most this much below that of the mean without attack."""


class Situation(NamedTuple):
    """Where a number stands: the choice on each axis of the sweep."""

    defense: str
    attack: str
    data: str
    partition: str
    share: str


class Numbers(NamedTuple):
    """Means over the trials of one situation, the spread of its accuracy, and how many trials failed, and why."""

    trials: int
    test_accuracy: float | None
    deviation: float | None
    attackers_excluded: float | None
    honest_excluded: float | None
    wall_seconds_per_round: float | None
    failed: int
    failure: str


Results = dict[Situation, Numbers]


def condensed(lines: Iterable[dict[str, str]]) -> Results:
    """The lines of a sweep's results.csv, one for each trial, as one for each situation."""
    trials: dict[Situation, list[dict[str, str]]] = defaultdict(list)
    for line in lines:
        trials[Situation(*(line[axis] for axis in Situation._fields))].append(line)
    return {situation: _numbers(found) for situation, found in trials.items()}


def _numbers(trials: Sequence[dict[str, str]]) -> Numbers:
    sound = [trial for trial in trials if not _why(trial)]
    values = {name: [float(trial[name]) for trial in sound if trial[name]] for name in MEASURES}
    means = {name: fmean(found) if found else None for name, found in values.items()}
    accuracies, failures = values["test_accuracy"], [why for why in map(_why, trials) if why]
    return Numbers(
        trials=len(trials),
        deviation=stdev(accuracies) if len(accuracies) > 1 else None,
        failed=len(failures),
        failure=failures[0] if failures else "",
        **means,
    )


def _why(trial: dict[str, str]) -> str:
    """Why a trial does not count: it failed, or something in it did, or an attack had no effect."""
    return trial["failure"] or trial["doubts"]


def keep(results: Results, table: Path = TABLE) -> None:
    """Write docs/defenses.csv or the like, numbers to four digits."""
    with table.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow([*Situation._fields, *Numbers._fields])
        for situation, numbers in results.items():
            writer.writerow([*situation, *(f"{v:.4f}" if isinstance(v, float) else v for v in numbers)])


def kept(table: Path = TABLE) -> Results:
    """What docs/defenses.csv or the like holds."""
    with table.open(newline="", encoding="utf-8") as file:
        return {
            Situation(*line[:5]): Numbers(
                int(line[5]), *(float(v) if v else None for v in line[6:11]), int(line[11]), line[12]
            )
            for line in list(csv.reader(file))[1:]
        }


def labels(results: Results, axis: str) -> list[str]:
    """The choices on an axis, in the order of the sweep."""
    return list(dict.fromkeys(getattr(situation, axis) for situation in results))


def holds(results: Results, situation: Situation) -> bool:
    """Whether a defense keeps what training reaches where nobody attacks and nothing defends."""
    reached = results[situation].test_accuracy
    wanted = results[situation._replace(defense=NOTHING, attack=NO_ATTACK)].test_accuracy
    return reached is not None and wanted is not None and reached >= wanted - CLOSE


def where(results: Results, **wanted: str) -> list[Situation]:
    """The situations with these choices."""
    return [s for s in results if all(getattr(s, axis) == label for axis, label in wanted.items())]


def score(results: Results, **wanted: str) -> tuple[int, int]:
    """In how many of the attacked situations with these choices the defense holds, and how many there are."""
    attacked = [situation for situation in where(results, **wanted) if situation.attack != NO_ATTACK]
    return sum(holds(results, situation) for situation in attacked), len(attacked)


def table(results: Results) -> str:
    """For each defense: accuracy without attack, and against each attack in how many of the four settings it holds."""
    attacks = [attack for attack in labels(results, "attack") if attack != NO_ATTACK]
    shares = labels(results, "share")
    lines = [["defense", "no attack", *(f"holds, {share}" for share in shares), *attacks]]
    lines.append(["---"] * len(lines[0]))
    for defense in sorted(labels(results, "defense"), key=lambda name: -score(results, defense=name)[0]):
        calm = [results[s].test_accuracy for s in where(results, defense=defense, attack=NO_ATTACK)]
        counts = [score(results, defense=defense, share=share) for share in shares]
        cells = [
            " and ".join(str(score(results, defense=defense, share=share, attack=attack)[0]) for share in shares)
            for attack in attacks
        ]
        lines.append([defense, _mean(calm), *(f"{held} of {of}" for held, of in counts), *cells])
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def _mean(values: Iterable[float | None]) -> str:
    found = [value for value in values if value is not None]
    return f"{fmean(found):.3f}" if found else "failed"


def page(results: Results) -> str:
    """The whole page: the numbers by program, the reading by hand (docs/defenses_text.md)."""
    text = PAGE.with_name("defenses_text.md").read_text(encoding="utf-8")
    parts = {"{runs}": runs(results), "{kinds}": told(without_numbers(results, listed())), "{table}": table(results)}
    for place, words in parts.items():
        text = text.replace(place, words)
    return text


def runs(results: Results) -> str:
    """How many there were, and how many failed."""
    failed = sum(numbers.failed for numbers in results.values())
    trials = sum(numbers.trials for numbers in results.values())
    return f"{trials:,} runs, {failed} of which failed." if failed else f"{trials:,} runs, none of which failed."


def listed() -> tuple[str, ...]:
    """Every kind that can stand under `defense`, as the registries have them."""
    from fedprop.aggregators import AGGREGATORS, POSTPROCESSORS, STAGES
    from fedprop.defenses import PROTOCOLS

    return tuple(kind for family in (AGGREGATORS, STAGES, POSTPROCESSORS, PROTOCOLS) for kind in family.kinds)


def without_numbers(results: Results, kinds: Iterable[str]) -> list[str]:
    """Those of the kinds that no row of the sweep with results names."""
    from fedprop.experiments.config_file import read_mapping

    rows = read_mapping(SWEEP)["axes"]["defense"]
    named = {kind for label in labels(results, "defense") for kind in kinds_of(rows.get(label, {}))}
    return [kind for kind in kinds if kind not in named]


def kinds_of(row: Mapping[str, Any]) -> Iterator[str]:
    """The kinds that a row of the sweep names under `defense`, for one share of attackers or for each."""
    for choice in (row, *(choice for choice in row.values() if isinstance(choice, dict))):
        parts = choice.get("defense", [])
        for part in parts if isinstance(parts, list) else [parts]:
            yield part if isinstance(part, str) else part["kind"]


def told(missing: Sequence[str]) -> str:
    """Which kinds there are no numbers of."""
    if not missing:
        return "Every kind that can be a defense is among them."
    return f"There are no numbers yet of {', '.join(f'`{kind}`' for kind in missing)}."


def draw(results: Results) -> None:
    """The pictures of the page."""
    from fedprop.report.figures import png

    for data in labels(results, "data"):
        panels = [(f"{p}, {s}", {"data": data, "partition": p, "share": s}) for p, s in _settings(results)]
        _save(heat(results, panels, lambda n: n.test_accuracy, f"{data}: test accuracy, percent"), f"defenses_{data}")
    for name, what in (("attackers_excluded", "compromised"), ("honest_excluded", "honest")):
        title = f"Share of the updates of {what} clients that are left out, percent"
        panels = [(f"{s} compromised", {"share": s}) for s in labels(results, "share")]
        _save(heat(results, panels, lambda n, name=name: getattr(n, name), title), f"defenses_{name}")
    (IMAGES / "defenses_cost.png").write_bytes(png(cost(results)))


def _settings(results: Results) -> list[tuple[str, str]]:
    return [(p, s) for p in labels(results, "partition") for s in labels(results, "share")]


def _save(figure: Figure, name: str) -> None:
    from fedprop.report.figures import png

    (IMAGES / f"{name.lower()}.png").write_bytes(png(figure))


def heat(
    results: Results,
    panels: Sequence[tuple[str, dict[str, str]]],
    read: Callable[[Numbers], float | None],
    title: str,
    *,
    down: int = 1,
) -> Figure:
    """Defenses by attacks, a panel for each choice of settings, over whose other axes the mean is taken.

    The panels stand in `down` rows, of as many each.
    """
    from fedprop.report.figures.style import new_figure

    defenses, attacks = labels(results, "defense"), labels(results, "attack")
    across = len(panels) // down
    figure = new_figure(3.2 + 2.6 * across, down * (1.6 + 0.2 * len(defenses)))
    for number, (name, wanted) in enumerate(panels):
        axes = figure.add_subplot(down, across, number + 1)
        for y, defense in enumerate(defenses):
            for x, attack in enumerate(attacks):
                found = [read(results[s]) for s in where(results, defense=defense, attack=attack, **wanted)]
                _cell(axes, x, y, [value for value in found if value is not None], len(found))
        _frame(axes, name, attacks, defenses if number % across == 0 else [""] * len(defenses))
    figure.suptitle(title, x=0.01, ha="left", fontsize=11, fontweight="bold")
    return figure


def _cell(axes: Axes, x: int, y: int, values: list[float], of: int) -> None:
    from matplotlib.patches import Rectangle

    from fedprop.report.figures.style import ABSENT, INK
    from fedprop.report.figures.table import HEAT

    mean = fmean(values) if values else None
    axes.add_patch(Rectangle((x - 0.5, y - 0.5), 1, 1, facecolor=ABSENT if mean is None else HEAT(mean)))
    words = "–" if mean is None else f"{100 * mean:.0f}"
    ink = "white" if mean is not None and mean > 0.75 else INK
    axes.text(x, y, words, ha="center", va="center", fontsize=6, color=ink)


def _frame(axes: Axes, name: str, columns: Sequence[str], rows: Sequence[str]) -> None:
    from fedprop.report.figures.style import style

    axes.set_xlim(-0.5, len(columns) - 0.5)
    axes.set_ylim(len(rows) - 0.5, -0.5)
    axes.set_xticks(range(len(columns)), columns, rotation=60, ha="right", rotation_mode="anchor", fontsize=7)
    axes.set_yticks(range(len(rows)), rows, fontsize=7)
    style(axes, name)
    axes.grid(visible=False)
    axes.spines[:].set_visible(False)
    axes.tick_params(length=0)


def cost(results: Results) -> Figure:
    """What a round without attack takes on the wall clock, training included, by defense."""
    from fedprop.report.figures.style import HONEST, new_figure, style

    defenses, data = labels(results, "defense"), labels(results, "data")
    figure = new_figure(8, 1.2 + 0.16 * len(defenses))
    for number, name in enumerate(data):
        axes = figure.add_subplot(1, len(data), number + 1)
        means = [_seconds(results, defense, name) for defense in defenses]
        axes.barh(range(len(defenses)), [1000 * mean for mean in means], color=HONEST, height=0.7)
        axes.set_ylim(len(defenses) - 0.5, -0.5)
        axes.set_yticks(range(len(defenses)), defenses if number == 0 else [""] * len(defenses), fontsize=7)
        style(axes, name)
        axes.set_xlabel("milliseconds a round", fontsize=8)
    return figure


def _seconds(results: Results, defense: str, data: str) -> float:
    """What a round of a defense takes on average where nobody attacks and data are alike; 0 where none has ended."""
    calm = where(results, defense=defense, attack=NO_ATTACK, data=data, partition="IID", share="20%")
    return fmean([results[situation].wall_seconds_per_round or 0.0 for situation in calm] or [0.0])


if __name__ == "__main__":
    if sys.argv[1:]:
        with Path(sys.argv[1]).open(newline="", encoding="utf-8") as file:
            keep(condensed(csv.DictReader(file)))
        draw(kept())
    PAGE.write_text(page(kept()), encoding="utf-8")
