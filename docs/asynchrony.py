"""Write docs/asynchrony.md and its picture from docs/asynchrony.csv, the sweeps of sims/asynchrony in brief.

    python docs/asynchrony.py            # page and picture, from the table
    python docs/asynchrony.py FOLDER     # the table first, from the folders attacks, rules and staleness in this one

A folder may hold some cells of the sweeps; what it holds takes the place of what the table had.

A test holds the page to the table.
"""

import csv
import sys
from collections.abc import Iterable, Iterator
from itertools import product
from pathlib import Path
from statistics import fmean

PAGE = Path(__file__).with_suffix(".md")
TABLE = Path(__file__).with_suffix(".csv")
PICTURE = PAGE.parent / "images" / "asynchrony.png"
SIMS = PAGE.parents[1] / "sims" / "asynchrony"
SPEEDS = ("fast", "alike", "slow")
SERVERS = ("FedBuff, mean", "FedBuff, Multi-Krum", "FedAsync, mean")
RULES = ("FedBuff, trimmed mean", "FedBuff of one, Zeno++")
LABELS = ("attack", "server", "attackers")
WEIGHTS = {"share": 0.0, "share_half": 0.5, "share_two": 2.0}
"""Exponents of the staleness weight (1 + tau)^-a, under which the attackers' share of all updates is told."""
NUMBERS = (
    "trials",
    "failed",
    "doubtful",
    "accuracy",
    "lowest",
    "highest",
    "success",
    *WEIGHTS,
    "staleness",
    "honest_staleness",
)
"""What a line tells of a cell's seeds: how many ran, failed, and ended but with rounds that failed or an attack without
effect; test accuracy, mean and ends; the success rate, where
an attack wants chosen labels; of the accepted updates the attackers' share, as it is and under two weightings, and how
stale theirs and those of honest clients are.
"""


def condensed(folder: Path) -> Iterator[dict[str, object]]:
    """A line for each combination of choices: of a folder in which every seed came to an end, else that of before."""
    from fedprop.experiments.config_file import read_mapping
    from fedprop.experiments.store import RunStore
    from fedprop.experiments.sweep.matrix import Place

    for path in sorted(SIMS.glob("*.yaml")):
        sweep = read_mapping(path)
        for labels in product(*sweep["axes"].values()):
            places = [folder / path.stem / "cells" / Place(labels, seed).slug for seed in sweep["seeds"]]
            stores = [RunStore(place) for place in places]
            if all(store.exists and store.mapping("summary") for store in stores):
                yield dict(zip(LABELS, labels, strict=True)) | told(stores)
            elif labels in LINES:
                yield dict(LINES[labels])


def told(stores: list) -> dict[str, object]:
    """The numbers of one line."""
    from fedprop.experiments.headline import doubts

    summaries = [store.mapping("summary") for store in stores]
    doubtful = sum(bool(doubts(summary)) for summary in summaries if not summary.get("failure"))
    numbers = [summary["numbers"] for summary in summaries if not summary.get("failure")]
    accuracies = [summary["test_accuracy"] for summary in summaries if not summary.get("failure")]
    rates = [found["attack_success_rate"]["value"] for found in numbers if "attack_success_rate" in found]
    own, others = [], []
    for store in stores:
        held = store.compromised
        for event in store.events():
            if event.kind == "accepted":
                (own if event.client in held else others).append(event.value)
    values = {
        "accuracy": accuracies and fmean(accuracies),
        "lowest": accuracies and min(accuracies),
        "highest": accuracies and max(accuracies),
        "success": rates and fmean(rates),
        **{name: weight(own, a) / (weight(own, a) + weight(others, a)) for name, a in WEIGHTS.items()},
        "staleness": own and fmean(own),
        "honest_staleness": others and fmean(others),
    }
    known = {name: "" if value == [] else short(value) for name, value in values.items()}
    return {"trials": len(stores), "failed": len(stores) - len(numbers), "doubtful": doubtful, **known}


def weight(taus: list[float], a: float) -> float:
    """What updates of this staleness weigh together."""
    return sum((1 + tau) ** -a for tau in taus)


def short(number: float) -> float:
    """Four digits."""
    return round(number, 4)


STAR = r"\*"
"""Beside a number of which not all runs are what was asked for."""


def table() -> dict[tuple[str, str, str], dict[str, str]]:
    """The lines of the table, by attack, server and speed."""
    with TABLE.open(encoding="utf-8") as file:
        return {tuple(row[name] for name in LABELS): row for row in csv.DictReader(file)}


LINES = table() if TABLE.exists() else {}


def number(attack: str, server: str, speed: str, name: str = "accuracy", digits: int = 2) -> str:
    """A number of the table, as the page shows it; what failed is not shown as one, and what is doubtful has a star."""
    line = LINES.get((attack, server, speed))
    if line is None:
        return "–"
    if int(line["failed"]):
        return "failed"
    return f"{float(line[name]):.{digits}f}{STAR * bool(int(line['doubtful']))}" if line[name] else "–"


def three(attack: str, server: str, name: str = "accuracy") -> str:
    """Fast / alike / slow."""
    return " / ".join(number(attack, server, speed, name) for speed in SPEEDS)


def attacks(servers: Iterable[str] = SERVERS) -> list[str]:
    """The attacks that were run against all of these servers at each speed, in order."""
    wanted = [(server, speed) for server in servers for speed in SPEEDS]
    return [name for name in dict.fromkeys(name for name, _, _ in LINES) if all((name, *p) in LINES for p in wanted)]


def grid(headings: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    """A table in Markdown."""
    headings = list(headings)
    lines = [headings, ["---"] * len(headings), *map(list, rows)]
    return "".join(f"| {' | '.join(cells)} |\n" for cells in lines)


def draw() -> None:
    """What each attack costs in accuracy, by server and speed."""
    from matplotlib.colors import LinearSegmentedColormap

    from fedprop.report.figures.style import COMPROMISED, INK, SMALL, new_figure, png

    names = [name for name in attacks() if name != "None"]
    figure = new_figure(11, 0.24 * len(names) + 1.6)
    shades = LinearSegmentedColormap.from_list("lost", ["white", COMPROMISED, INK])
    for place, server in enumerate(SERVERS):
        axes = figure.add_subplot(1, len(SERVERS), place + 1)
        clean = float(LINES["None", server, "alike"]["accuracy"])
        lost = [[clean - float(LINES[name, server, speed]["accuracy"] or "nan") for speed in SPEEDS] for name in names]
        image = axes.imshow(lost, cmap=shades, vmin=0.0, vmax=0.9, aspect="auto")
        axes.set_title(server.replace(", ", "\n"), fontsize=SMALL, color=INK)
        axes.set_xticks(range(3), SPEEDS, fontsize=SMALL)
        axes.set_yticks(range(len(names)), names if place == 0 else [""] * len(names), fontsize=SMALL)
        axes.set_yticks([edge - 0.5 for edge in range(len(names))], minor=True)
        axes.set_xticks([0.5, 1.5], minor=True)
        axes.grid(which="minor", color="white", linewidth=1.5)
        axes.tick_params(which="both", length=0)
        axes.spines[:].set_visible(False)
    bar = figure.colorbar(image, ax=figure.axes, orientation="horizontal", fraction=0.02, pad=0.01, aspect=60)
    bar.set_label("accuracy lost to the attack", fontsize=SMALL, color=INK)
    bar.ax.tick_params(labelsize=SMALL)
    PICTURE.write_bytes(png(figure))


def page() -> str:
    """The whole page: the numbers by program, the reading by hand (docs/asynchrony_text.md)."""
    text = PAGE.with_name("asynchrony_text.md").read_text(encoding="utf-8").removesuffix("\n")
    for name, found in {**tables(), **numbers()}.items():
        text = text.replace(f"{{{name}}}", found)
    return text


def tables() -> dict[str, str]:
    """The tables, and the remarks that not every page has."""
    found = {"clock": clock(), "crowded": crowded(), "attacks": accuracy(), "backdoors": backdoors()}
    return {**found, "rules": rules(), "weights": weights(), "starred": starred(), "absent": absent()}


def numbers() -> dict[str, str]:
    """The numbers in the text."""
    averaging, krum = SERVERS[:2]
    return {
        "clean": ", ".join(number("None", server, "alike") for server in SERVERS),
        "krum_alike": number("Sign flip x4", krum, "alike"),
        "krum_fast": number("Sign flip x4", krum, "fast"),
        "flip_alike": number("Label flip", averaging, "alike"),
        "flip_fast": number("Label flip", averaging, "fast"),
        "bits_slow": number("Bit flip", averaging, "slow"),
        "bits_krum": number("Bit flip", krum, "slow"),
        "alie": three("ALIE", averaging),
        "min_max": three("Min-Max", averaging),
        "most": number(CLOCKED, "FedAsync, a = 2", "fast", "share_two"),
        "slow_learning": number("None", "FedAsync, a = 2", "alike"),
        "half_learning": number("None", "FedAsync, a = 0.5", "alike"),
    }


CLOCKED = "Label flip"
"""The attack by whose runs updates are counted. Which one it is changes nothing: the clock does not look at updates."""


def clock() -> str:
    """Shares of updates and staleness, by server and speed."""
    rows = []
    for server in ("FedBuff, a = 0.5", "FedAsync, a = 0.5"):
        for speed in SPEEDS:
            told = [number(CLOCKED, server, speed, name, 2) for name in ("share", "staleness", "honest_staleness")]
            rows.append([server.split(",")[0], speed, *told])
    headings = ["policy", "attackers", "share of the updates", "versions that theirs lie behind", "that honest ones do"]
    return grid(headings, rows)


def crowded() -> str:
    """Shares of updates by how many clients train at a time."""
    names = {"20": "FedBuff, a = 0.5", "10": "FedBuff, a = 0.5, 10 at a time", "5": "FedBuff, a = 0.5, 5 at a time"}
    rows = [[many, *(number(CLOCKED, server, speed, "share") for speed in SPEEDS)] for many, server in names.items()]
    return grid(["clients that train at a time", *(f"share of {speed} attackers" for speed in SPEEDS)], rows)


def accuracy() -> str:
    """The table of all attacks."""
    rows = [[name, *(three(name, server) for server in SERVERS)] for name in attacks() if name != "None"]
    return grid(["attack", *SERVERS], rows)


def backdoors() -> str:
    """Success rates."""
    wanted = [name for name in attacks() if LINES[name, SERVERS[0], "fast"]["success"]]
    return grid(
        ["attack", *SERVERS], [[name, *(three(name, server, "success") for server in SERVERS)] for name in wanted]
    )


def rules() -> str:
    """The table of the other rules."""
    return grid(["attack", *RULES], [[name, *(three(name, rule) for rule in RULES)] for name in attacks(RULES)])


DOUBTFUL = """\
- A star: in some runs rounds failed, since what came was beyond all numbers, or no update of an attacker was
  accepted before the end, so that the attack had no effect: {cells}.
"""

WEIGHTED = {"constant": "share", "a = 0.5": "share_half", "a = 2": "share_two"}
"""By which column the weight under each discount is told."""


def weights() -> str:
    """Shares of weight and accuracies, by discount."""
    rows = []
    for policy in ("FedBuff", "FedAsync"):
        for discount, name in WEIGHTED.items():
            server = f"{policy}, {discount}"
            shares = three(CLOCKED, server, name)
            rows.append([server, shares, *(three(attack, server) for attack in ("Label flip", "Sign flip"))])
    return grid(["policy, discount", "attackers' share of weight", "label flip", "sign flip"], rows)


def starred() -> str:
    """The cells whose numbers have a star, and what that means."""
    cells = [
        f"{attack} ({server}, {speed}: {line['doubtful']} of {line['trials']} runs)"
        for (attack, server, speed), line in LINES.items()
        if int(line["doubtful"])
    ]
    return DOUBTFUL.format(cells="; ".join(cells)) if cells else ""


def absent() -> str:
    """The attacks that the sweep lists and the table lacks."""
    from fedprop.experiments.config_file import read_mapping

    names = [name for name in read_mapping(SIMS / "attacks.yaml")["axes"]["attack"] if name not in attacks()]
    return f"- Listed in `sims/asynchrony/attacks.yaml`, but not run yet: {'; '.join(names)}.\n" if names else ""


if __name__ == "__main__":
    if len(sys.argv) > 1:
        found = [*condensed(Path(sys.argv[1]))]
        with TABLE.open("w", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, (*LABELS, *NUMBERS), lineterminator="\n")
            writer.writeheader()
            writer.writerows(found)
        LINES = table()
    PAGE.write_text(page(), encoding="utf-8")
    draw()
