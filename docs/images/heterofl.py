"""Draws docs/images/heterofl_*.png: one attacked round of HeteroFL, step by step, and how different data may be.

Run it from the root of the repository; it needs no data but what is installed. `docs/heterofl.py` tells the numbers.
"""

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any, Literal, NamedTuple

import torch
import yaml
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import NullLocator
from torch import Tensor

from fedprop import Experiment
from fedprop import run as run_experiment
from fedprop.aggregators import Cohort, MagnitudeRectification, SimilarityDetection, SybilRemoval, Watermark
from fedprop.aggregators.angles import cosines
from fedprop.aggregators.columns import read
from fedprop.aggregators.mean_shift import clusters
from fedprop.aggregators.norm_filter import relative_lengths
from fedprop.aggregators.relative_similarity import half_of, relative_similarity
from fedprop.aggregators.similarity_detection import cosines_of_means, counted, drawn_places, grouped, most_similar
from fedprop.aggregators.sybil_removal import median_of
from fedprop.data import PARTITIONS, label_counts, label_diversity, load_diversity
from fedprop.defenses.heterofl import HeteroFl
from fedprop.report.figures.style import (
    COMPROMISED,
    GRID,
    HONEST,
    INK,
    SERIES,
    SMALL,
    WIDE,
    new_figure,
    png,
    style,
)

FOLDER = Path(__file__).parent

FILE = """\
rounds: 1
clients: 40
data: {kind: digits}
partition: {kind: dirichlet, q: 0.2}
model: logistic_regression
training: {lr: 0.1, batch_size: 16, epochs: 1}
compromised: first
attack:
  - {kind: sybils, noise: 0.05, share: 0.375}   # 15 clients: one row, turned round, with a little noise
  - {kind: sign_flip, share: 0.05}              # 2: each its own row, turned round
  - {kind: scaling, factor: 50, share: 0.025}   # 1: its own row, fifty times as long
  - {kind: scaling, factor: 0.02, share: 0.025} # 1: its own row, a fiftieth as long
defense: {kind: heterofl}
"""
SYBILS, FLIPPED, LONG, SHORT = range(15), (15, 16), 17, 18
ATTACKERS = frozenset(range(19))
FEWER = 13
"""Sybils in a second run; so few have too little company among 40."""

PARTS = {
    "IID": {"kind": "iid"},
    "FLTrust, p = 0.5": {"kind": "fang", "p": 0.5},
    "Dirichlet, q = 0.2": {"kind": "dirichlet", "q": 0.2},
    "two classes each": {"kind": "label_skew", "k": 2},
}


class Walk(NamedTuple):
    """What came to each step, and to the mean behind them; the reductions of the watermark's loss; the random state."""

    cohorts: tuple[Cohort, ...]
    reductions: Mapping[int, float]
    state: Tensor

    def rows(self, step: int) -> Tensor:
        """The rows [k, d] that came to a step, in float64."""
        rows = self.cohorts[step].updates
        return read(rows, 0, rows.shape[1]).double()

    def dropped(self, step: int) -> list[int]:
        """Whom a step dropped."""
        return sorted(set(self.cohorts[step].clients) - set(self.cohorts[step + 1].clients))


SEEN: list[Walk] = []


class Noting(HeteroFl):
    """HeteroFL that keeps what comes to each of its steps."""

    kind: Literal["noting"] = "noting"

    def aggregate(self, cohort: Cohort, memory: Any, *, rule: Any) -> Any:
        state, cohorts, reductions = cohort.generator.get_state(), [cohort], {}
        for stage in self.steps:
            staged = stage.answer(cohorts[-1], None)
            if stage.kind == "watermark":
                reductions = dict(zip(cohorts[-1].clients, staged.measured.tolist(), strict=True))
            cohorts.append(staged.cohort)
        found = Walk(tuple(cohorts), reductions, state)
        cohort.generator.set_state(state)
        judged = super().aggregate(cohort, memory, rule=rule)
        dropped = {client: stage.kind for step, stage in enumerate(self.steps) for client in found.dropped(step)}
        assert judged.ruling.verdicts == dict.fromkeys(cohort.clients, "kept") | dropped
        SEEN.append(found)
        return judged


@cache
def walk(sybils: int = len(SYBILS)) -> Walk:
    """One round of the file above, played by the simulator, with so many sybils."""
    settings = yaml.safe_load(FILE)
    settings["attack"][0]["share"] = sybils / settings["clients"]
    run_experiment(Experiment.model_validate({**settings, "defense": Noting()}))
    return SEEN.pop()


class Grouping(NamedTuple):
    """How similarity detection saw the rows that came to it."""

    scores: Tensor
    clusters: Tensor
    groups: Tensor
    means: Tensor
    benign: Tensor


def grouping() -> Grouping:
    """Clusters and groups, by the parts of the step itself and the random numbers that it drew."""
    cohort, step = walk().cohorts[1], SimilarityDetection()
    rows, draw = cohort.updates, torch.Generator()
    draw.set_state(walk().state)
    places = drawn_places(Cohort(rows, cohort.clients, generator=draw))
    alike = cosines(rows)
    scores = counted(relative_similarity(alike))
    found = clusters(scores[:, None], step.quantile).labels
    groups = grouped(found, places)
    means = counted(relative_similarity(cosines_of_means(groups, alike, relative_lengths(rows)[0])))
    return Grouping(scores, found, groups, means, most_similar(clusters(means[:, None], step.quantile)))


def scores(cohort: Cohort) -> tuple[dict[int, float], float]:
    """The score of each client in sybil removal, and the bound that it may not exceed."""
    found = relative_similarity(cosines(cohort.updates))
    usual = median_of(found)
    bound = SybilRemoval().times * float(usual + median_of((found - usual).abs()))
    return dict(zip(cohort.clients, found.tolist(), strict=True)), bound


def ratios() -> tuple[dict[int, float], float, float]:
    """The length of each client's row as it came to the last step; the least and the largest that may stay there."""
    cohort, step = walk().cohorts[3], MagnitudeRectification()
    lengths = walk().rows(3).norm(dim=1)
    middle = median_of(lengths)
    smallest = (lengths / middle).maximum(middle / lengths).sort().values[: len(lengths) // 2]
    bound = step.times * float(smallest.mean() + smallest.std(correction=0))
    return dict(zip(cohort.clients, lengths.tolist(), strict=True)), float(middle) / bound, float(middle) * bound


def color(client: int) -> str:
    """Of an attacker or of an honest client."""
    return COMPROMISED if client in ATTACKERS else HONEST


def plain(axes: Axes, title: str, subtitle: str, across: str) -> None:
    """Titles, and lines up from the ticks."""
    style(axes, title, subtitle)
    axes.set_xlabel(across)
    axes.xaxis.label.set(fontsize=SMALL)
    axes.grid(axis="x", color=GRID)


def cosines_figure() -> Figure:
    """Who points where, and how much company each direction has."""
    cohort = walk().cohorts[0]
    figure = new_figure(WIDE, 5.2)
    left, right = figure.subplots(1, 2, width_ratios=(1.25, 1))
    image = left.imshow(cosines(cohort.updates), cmap="RdBu", vmin=-1, vmax=1, interpolation="nearest")
    figure.colorbar(image, ax=left, fraction=0.04, pad=0.02).outline.set_visible(False)
    for edge in (len(SYBILS) - 0.5, len(ATTACKERS) - 0.5):
        left.axhline(edge, color=INK, linewidth=0.8)
        left.axvline(edge, color=INK, linewidth=0.8)
    style(
        left,
        "Cosine of each pair of updates",
        f"up to {SYBILS[-1]} sybils, up to {SHORT} other attackers, then honest clients",
    )
    left.set_xlabel("client")
    left.set_ylabel("client")
    found, bound = scores(cohort)
    right.barh(list(found), list(found.values()), color=[color(client) for client in found], height=0.75)
    right.axvline(bound, color=INK, linewidth=1.2)
    right.invert_yaxis()
    right.set_ylabel("client")
    plain(
        right,
        "Step 1: company",
        f"bound {bound:.2f}; red: attackers",
        f"sum of the {half_of(len(found))} highest cosines",
    )
    return figure


def groups_figure() -> Figure:
    """Clusters of scores, the groups made of them, and how similar the groups are."""
    figure = new_figure(WIDE, 6.2)
    above, below = figure.subplots(2, 1, height_ratios=(1, 1.7))
    draw_clusters(above)
    draw_groups(below)
    return figure


def draw_clusters(axes: Axes) -> None:
    """A line of scores for each cluster."""
    found, clients = grouping(), walk().cohorts[1].clients
    several = range(int(found.clusters.max()) + 1)
    for cluster in several:
        own = sorted((float(found.scores[i]), clients[i]) for i in (found.clusters == cluster).nonzero().flatten())
        for place, (score, client) in enumerate(own):
            mark = "X" if client in ATTACKERS else "o"
            axes.scatter([score], [-cluster], color=SERIES[2 + cluster], marker=mark, s=60, zorder=3)
            shift = 7 if place % 2 else -14
            axes.annotate(
                f"{client}", (score, -cluster), (0, shift), textcoords="offset points", fontsize=7, ha="center"
            )
    axes.set_yticks([-k for k in several], [f"cluster {k + 1}" for k in several])
    axes.margins(y=0.35)
    plain(
        axes, "Step 2: clusters of scores", "crosses: attackers", f"sum of the {half_of(len(clients))} highest cosines"
    )


def draw_groups(axes: Axes) -> None:
    """A bar for each group, and below it who is in it."""
    found, going = grouping(), set(walk().dropped(1))
    for client, cluster, group in zip(
        walk().cohorts[1].clients, found.clusters.tolist(), found.groups.tolist(), strict=True
    ):
        told, weight = (f"({client})", "bold") if client in going else (f"{client}", "normal")
        look: dict[str, Any] = {"color": color(client), "fontweight": weight, "fontsize": 10}
        axes.text(group, -0.28 - 0.3 * cluster, told, ha="center", va="center", **look)
    count = len(found.means)
    bars = [HONEST if benign else "#B9C0C8" for benign in found.benign.tolist()]
    axes.bar(range(count), found.means.tolist(), color=bars, width=0.8)
    axes.set_ylim(-0.3 * (int(found.clusters.max()) + 1) - 0.15, None)
    axes.set_yticks(range(int(found.means.max()) + 1))
    axes.set_xticks(range(count), [f"group {k + 1}" for k in range(count)], fontsize=SMALL)
    style(
        axes, "Groups of one client from each cluster", "blue bars: the largest cluster of groups; in brackets: dropped"
    )
    axes.set_ylabel(f"sum of the {half_of(count)} highest\ncosines of its mean", fontsize=SMALL)
    axes.grid(axis="y", color=GRID)


def lengths_figure() -> Figure:
    """What the watermark's loss says, and lengths before and after."""
    figure = new_figure(WIDE, 4.8)
    left, right = figure.subplots(1, 2)
    draw_reductions(left)
    draw_lengths(right)
    return figure


def draw_reductions(axes: Axes) -> None:
    """By how much each update lowers the loss of the watermark."""
    found, least = walk().reductions, Watermark().lambda_
    axes.scatter(list(found.values()), list(found), color=[color(client) for client in found], s=36, zorder=3)
    axes.set_xscale("symlog", linthresh=1.0)
    axes.set_xticks([-50, -10, -5, -1, 0, 1])
    axes.xaxis.set_major_formatter("{x:g}")
    axes.axvline(least, color=INK, linewidth=1.2)
    axes.invert_yaxis()
    axes.set_ylabel("client")
    plain(
        axes,
        "Step 3: the watermark",
        f"line: lambda = {least:g}; red: attackers",
        "by how much the update lowers its loss",
    )


def draw_lengths(axes: Axes) -> None:
    """Lengths before the last step, and behind it."""
    before, low, high = ratios()
    after = dict(zip(walk().cohorts[4].clients, walk().rows(4).norm(dim=1).tolist(), strict=True))
    for client, length in before.items():
        if client in after:
            axes.plot([length, after[client]], [client, client], color=GRID, linewidth=1.5, zorder=1)
            axes.scatter([after[client]], [client], marker="|", color=INK, s=60, zorder=2)
        axes.scatter([length], [client], color=color(client), s=36, zorder=3)
    for edge in (low, high):
        axes.axvline(edge, color=INK, linewidth=1.2)
    axes.set_xscale("log")
    axes.xaxis.set_major_formatter("{x:g}")
    axes.xaxis.set_minor_locator(NullLocator())
    axes.invert_yaxis()
    plain(axes, "Step 4: lengths", "lines: what may stay; dashes: afterwards", "length of the update")


def diversity_figure() -> Figure:
    """Figure 1 of the paper, of labels alone: 5,000 of each of ten classes, as CIFAR-10 has them, and 100 clients."""
    figure = new_figure(7.5, 4.2)
    axes = figure.add_subplot()
    for place, (name, counts) in enumerate(dealt().items()):
        x, y = label_diversity(counts).tolist(), load_diversity(counts).tolist()
        axes.scatter(
            x, y, label=name, color=SERIES[place], marker="osD^"[place], s=42, alpha=0.8, clip_on=False, zorder=3
        )
    axes.set_xlim(-0.02, 0.52)
    axes.set_ylim(bottom=0)
    axes.set_ylabel("load diversity (examples)")
    axes.grid(axis="y", color=GRID)
    plain(axes, "Heterogeneity of the clients' data", "a point for each class", "label diversity (at most 0.5)")
    figure.legend(loc="outside right upper", fontsize=SMALL, frameon=False)
    return figure


@cache
def dealt() -> dict[str, Tensor]:
    """How many examples of each class each of 100 clients holds."""
    labels = torch.arange(10).repeat_interleave(5000)
    found = {}
    for name, settings in PARTS.items():
        parts = PARTITIONS.parse(settings).split(labels, 100, 10, torch.Generator().manual_seed(0))
        found[name] = label_counts(labels, parts, 10)
    return found


FIGURES = {
    "diversity": diversity_figure,
    "cosines": cosines_figure,
    "groups": groups_figure,
    "lengths": lengths_figure,
}

if __name__ == "__main__":
    for name, draw in FIGURES.items():
        (FOLDER / f"heterofl_{name}.png").write_bytes(png(draw()))
