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


INTRODUCTION = """# Attacks where nobody waits

What does an attack gain where the server waits for nobody, by answering sooner than honest clients do, or later? Four
of 20 clients are compromised and learn digits with the others, by logistic regression, from data that are alike. All of
them train all the time (`concurrency: 20`), for a second or so of simulated time, drawn anew for each task. A run ends
after about a hundred updates: ten versions of FedBuff with ten updates each, or a hundred of FedAsync (80 with Zeno++).
An update that lies tau versions behind counts (1 + tau)^-1/2, unless something else is said. Numbers are means over
three seeds; `docs/asynchrony.csv` has the least and the largest of each, too.

How fast attackers are is a setting of the attack, the same for all kinds:

```yaml
policy: {kind: fedbuff, concurrency: 20, buffer: 10}
attack: {kind: sign_flip, share: 0.2, speed: 4}
```

*Fast* attackers answer in a quarter of the time that an honest client needs: whoever makes its update up need not
train. *Slow* ones take four times as long (`speed: 0.25`), those *alike* as long as honest ones. To the server it is
the same whether a client is slow or waits on purpose, as the attack `late` does; it sees when the answer comes. To the
attacker it is not: an attack makes up its answer when the training of its client ends, so a slow one has seen what was
sent until then, and one that waits has not.

`sims/asynchrony/` holds the sweeps, and `python docs/asynchrony.py FOLDER` writes this page from what they leave.

## Who sends how many updates, and how stale they are

"""

CLOCK = """
A client that is four times as fast sends four times as many updates: a fifth of the clients sends nearly half of all
that is aggregated, and a slow fifth one update in twenty. **What a rule tolerates is a number of updates, and `f` of
`n` clients is not `f` of `n` updates**: one client may fill several places of a buffer, and nothing in FedBuff or
FedAsync limits how many it sends.

What being fast gains hangs on `concurrency`, how many clients train at a time. The server draws whom it invites from
those who are idle, all alike. Where everybody trains, whoever answers is invited again at once; where few do, an
invitation is a matter of luck, and a fast client waits for its next one as others do. Under the mean of FedBuff:

"""

ACCURACY = """
## What it costs

Test accuracy with fast / alike / slow attackers. Without an attack it is {clean}, in the order of the columns.

"""

PICTURE_LINE = """
![For each attack and server three fields, of fast, like and slow attackers, the darker the more accuracy is lost: most
of what is dark is in the columns of fast attackers, and those of slow ones are nearly white](images/asynchrony.png)

- **Most attacks gain by being fast.** With half of the updates no rule that looks for a majority is left with one: sign
  flipping, which Multi-Krum stops as long as attackers are as fast as others ({krum_alike}), then brings it to
  {krum_fast}. Flipped labels, which cost next to nothing at equal speed ({flip_alike}), bring the mean to {flip_fast}.
  What does nothing at equal speed because it is no more than noise (`gaussian`, `input_noise`) does little when fast.
- **Slow attackers lose.** They send one update in twenty, and the discount takes weight from these. What still
  does harm when it is slow are rows beyond all measure, such as those of `bit_flip` ({bits_slow} under the mean), and
  claims of many examples (`weight`), and only to means: under Multi-Krum slow attackers cost nothing ({bits_krum}).
- ALIE ({alie}) and Min-Max ({min_max}) hide among the honest rows that they see. They do little to the mean of FedBuff
  unless they are fast, and not much then.
"""

BACKDOORS = """
The success rate of those that want chosen labels, beside that accuracy. The trigger lies in a corner where all digits
are black: weights there do not vary, and the backdoor of ALIE may not move what does not.

"""

RULES_TEXT = """
## Two more rules

A trimmed mean that cuts three of ten values at either end, and Zeno++, which judges each update by itself against what
the server's own examples say, every second version anew. Test accuracy with fast / alike / slow attackers:

"""

ZENO = """
The trimmed mean is bound to a majority as Multi-Krum is. Zeno++ is not: it judges each row as it comes, and fast
attackers take away about half of its updates, for a row that is refused moves nothing. It stands behind a FedBuff of
one here and not behind FedAsync: what FedAsync hands to a rule is the way from the present model to the client's, which
for a client that lies 17 versions behind is mostly the way back, and says little of what the client has learnt (in a
trial without an attack the accuracy was 0.3 to 0.4 after a hundred updates).

## What staleness weighting trusts

A discount by staleness trusts whoever is fresh. It asks nothing of what an update says, and being fresh is what an
attacker with a fast machine, or with nothing to compute, does best. The share of all weight that four of 20 clients
have, and the accuracy that is left (fast / alike / slow):

"""

STALENESS = """
- Against slow attackers a discount helps: they have less weight the larger `a` is.
- Against fast ones it helps the attacker. Its updates are the freshest there are, so that each step of `a` moves weight
  from honest clients to it; with `a = 2` under FedAsync four clients of 20 have {most} of all weight.
- A discount that is strong enough to silence who is late silences nearly everybody where 20 clients train at a time:
  under FedAsync an honest update lies 16 versions behind, and counts 1/300 with `a = 2`. Even without an attack the
  model has then learnt less ({slow_learning} after a hundred updates, where the square root leads to {half_learning}).
- Without a discount, FedAsync gives 0.6 of the new model to each update as it comes, however old: it swings with
  whoever came last.

`max_staleness` refuses what is older than so many versions; what is said of the discount goes for it, too. What helps
against fast attackers is to bound how much *one client* may send, which no policy here does, or to have fewer clients
train at a time.

## What an attacker cannot lie about

Staleness is no claim. FedAsync's paper has a client send its version along with its model; here the server knows which
version it gave out with which task, and by that it discounts. A message that names another version than its task's is
refused (`wrong version`), as is a second answer to one task (`replay` therefore sends the old update in a new message).
A client can make itself *staler* than it is, by waiting, and so lose weight; it can look fresh only by answering early.

## What this does not show

- One model, one data set, data that are alike, and settings that were not searched for.
- An attack answers at once for all its clients that owe an answer, and knows one received model, that of the client
  who is asked first; the others started from other versions. Attacks that compute from that model (`zero`, `random`,
  `mpaf`, training of one's own) are off by as much.
- `View.received` is the number of updates that the server averages: 1 under FedAsync and for Zeno++, where attacks that
  boost by n / m boost by 1.
- `false_alarms` is left out: no protocol that has clients report runs without rounds.
"""


def page() -> str:
    """The whole page."""
    parts = [INTRODUCTION, clock(), CLOCK, crowded(), accuracy(), pictured(), BACKDOORS, backdoors()]
    return "".join([*parts, RULES_TEXT, rules(), ZENO, weights(), weighed(), starred(), absent()])


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
    clean = ", ".join(number("None", server, "alike") for server in SERVERS)
    rows = [[name, *(three(name, server) for server in SERVERS)] for name in attacks() if name != "None"]
    return ACCURACY.format(clean=clean) + grid(["attack", *SERVERS], rows)


def pictured() -> str:
    """The picture, and what it says."""
    return PICTURE_LINE.format(
        krum_alike=number("Sign flip x4", SERVERS[1], "alike"),
        krum_fast=number("Sign flip x4", SERVERS[1], "fast"),
        flip_alike=number("Label flip", SERVERS[0], "alike"),
        flip_fast=number("Label flip", SERVERS[0], "fast"),
        bits_slow=number("Bit flip", SERVERS[0], "slow"),
        bits_krum=number("Bit flip", SERVERS[1], "slow"),
        alie=three("ALIE", SERVERS[0]),
        min_max=three("Min-Max", SERVERS[0]),
    )


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


def weighed() -> str:
    """What the discount does."""
    return STALENESS.format(
        most=number(CLOCKED, "FedAsync, a = 2", "fast", "share_two"),
        slow_learning=number("None", "FedAsync, a = 2", "alike"),
        half_learning=number("None", "FedAsync, a = 0.5", "alike"),
    )


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
