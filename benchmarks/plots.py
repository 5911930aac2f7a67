"""The figures beside the table."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, NullLocator

from benchmarks.contenders import FLOOR, FLOOR_CALL, INTERPRETED, LIBRARIES, OURS
from benchmarks.table import MODEL_NAMES, duration
from fedprop.report.figures.curves import line_styles
from fedprop.report.figures.style import GRID, INK, MUTED, SERIES, SMALL, new_figure, png, style

Record = Mapping[str, Any]
Bar = tuple[str, float, float, float, str]
"""What stands left of it, its length and the ends of its range, and its colour."""

COLOURS = dict(zip(LIBRARIES, (SERIES[0], SERIES[5], SERIES[1], SERIES[3], SERIES[2], SERIES[4]), strict=True))
BAR = 0.26
"""Inches of height that a bar takes."""


def write(results: Record, folder: Path, stem: str) -> list[Path]:
    """All figures for which there are results."""
    figures: dict[str, tuple[Callable[[Sequence[Record]], Figure], Sequence[Record]]] = {
        "rules": (rules_figure, results["aggregation"]),
        "cost": (cost_figure, results["sweeps"]),
        "rounds": (rounds_figure, results["rounds"]["rows"]),
        "updates": (updates_figure, [row for row in results["own"].get("event_loop", ()) if "busy" in row]),
    }
    paths = []
    for name, (figure, records) in figures.items():
        if records:
            paths.append(folder / f"{stem}-{name}.png")
            paths[-1].write_bytes(png(figure(records)))
    return paths


def rules_figure(records: Sequence[Record]) -> Figure:
    """For each size of input a panel: everybody's time as a multiple of fedprop's, rule by rule."""
    sizes = list(dict.fromkeys((r["n"], r["d"]) for r in records))
    shown = [r for r in records if "times_fedprop" in r and r["library"] != OURS and r["call"] != FLOOR_CALL]
    panels = [(size, [r for r in shown if (r["n"], r["d"]) == size]) for size in sizes]
    figure = new_figure(8 * len(sizes), 1.6 + BAR * max((len(rows) for _, rows in panels), default=1))
    for index, ((n, d), rows) in enumerate(panels):
        axes = figure.add_subplot(1, len(sizes), index + 1)
        bars = [(f"{r['rule']}: {_short(r)}", *_ratio(r), COLOURS[r["library"]]) for r in rows]
        draw_bars(axes, bars)
        style(axes, "Time to aggregate", f"n = {n}, d = {d:,}, float32")
    return figure


def _short(r: Record) -> str:
    return "without Numba" if r["library"] == INTERPRETED else f"{r['library']} {r['call'].split('(')[0]}"


def rounds_figure(records: Sequence[Record]) -> Figure:
    """For each case a panel: everybody's seconds per round as a multiple of fedprop's."""
    rows = [r for r in records if "times_fedprop" in r and r["trainer"] != "fedprop"]
    cases = list(dict.fromkeys((r["model"], r["steps"]) for r in rows))
    lines = (len(cases) + 1) // 2
    tallest = max((sum((r["model"], r["steps"]) == case for r in rows) for case in cases), default=1)
    figure = new_figure(12, lines * (1.5 + BAR * tallest))
    for index, (model, steps) in enumerate(cases):
        axes = figure.add_subplot(lines, min(2, len(cases)), index + 1)
        own = [r for r in rows if (r["model"], r["steps"]) == (model, steps)]
        draw_bars(axes, [(r["trainer"], *_ratio(r), _colour(r["trainer"])) for r in own])
        steps_shown = "1 local step" if steps == 1 else f"{steps} local steps"
        style(axes, MODEL_NAMES[model], f"seconds per round, times fedprop's; {steps_shown}")
    return figure


def _colour(trainer: str) -> str:
    return MUTED if trainer in ("plain loop", "two processes") else SERIES[1]


def _ratio(r: Record) -> tuple[float, float, float]:
    ratio = r["times_fedprop"]
    return ratio["median"], ratio["low"], ratio["high"]


def draw_bars(axes: Axes, bars: Sequence[Bar]) -> None:
    """Bars from 1, fedprop's own time, on a logarithmic scale: to the right is slower than fedprop."""
    for place, (_, median, low, high, colour) in enumerate(bars):
        axes.barh(place, median - 1, left=1, color=colour, height=0.66)
        axes.plot([low, high], [place, place], color=INK, linewidth=1)
        end = (max(high, 1.0), place)
        axes.annotate(f"{median:.2g}x", end, (5, 0), textcoords="offset points", va="center", fontsize=SMALL, color=INK)
    axes.set_yticks(range(len(bars)), [bar[0] for bar in bars])
    axes.set_ylim(len(bars) - 0.4, -0.6)
    axes.set_xscale("log")
    axes.set_xlim(min([0.7, *(bar[2] * 0.8 for bar in bars)]), max([2.0, *(bar[3] * 2 for bar in bars)]))
    axes.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter(FuncFormatter(lambda x, _: f"{x:g}"))
    axes.axvline(1, color=INK, linewidth=1)
    axes.set_xlabel("times fedprop's (1 = fedprop)")
    axes.grid(axis="x", color=GRID)


def cost_figure(lines: Sequence[Record]) -> Figure:
    """Seconds against d at each fixed n, and against n: a line for each rule, with its exponent."""
    panels = list(dict.fromkeys((line["against"], line["n" if line["against"] == "d" else "d"]) for line in lines))
    styles = line_styles(line["rule"] for line in lines if line["rule"] != FLOOR)
    styles[FLOOR] = {"color": MUTED, "linestyle": "dotted"}
    figure = new_figure(5.2 * len(panels), 6.2)
    for index, (against, fixed) in enumerate(panels):
        other = "n" if against == "d" else "d"
        axes = figure.add_subplot(1, len(panels), index + 1)
        for line in lines:
            if line["against"] == against and line[other] == fixed:
                label = f"{line['rule']}  {line['exponent']:.2f}"
                axes.plot(line[against + "s"], line["seconds"], label=label, marker="o", ms=3.5, **styles[line["rule"]])
        style(axes, f"Cost against {against}", f"{other} = {fixed:,}; exponent of the larger half in the legend")
        _logarithmic(axes, "numbers in a row, d" if against == "d" else "rows, n")
        if against == "n":
            axes.set_xticks(lines[-1]["ns"], [str(n) for n in lines[-1]["ns"]])
        axes.legend(fontsize=SMALL, frameon=False, loc="upper center", bbox_to_anchor=(0.5, -0.13), ncols=2)
    return figure


def updates_figure(rows: Sequence[Record]) -> Figure:
    """Client updates per second against the number of clients, of which at most 1,000 work at a time."""
    figure = new_figure(7, 4.2)
    axes = figure.add_subplot()
    for name, look in line_styles(row["what"] for row in rows).items():
        own = sorted((r["clients"], r["value"]) for r in rows if r["what"] == name)
        axes.plot(*zip(*own, strict=True), marker="o", ms=4, label=name, **look)
    style(axes, "Client updates per second", "null trainer, stragglers and dropouts")
    axes.set_xscale("log")
    axes.set_ylim(0, 1.15 * max(row["value"] for row in rows))
    axes.set_xlabel("clients")
    axes.set_ylabel("client updates per second")
    axes.xaxis.set_major_formatter(FuncFormatter(lambda x, _: f"{x:,.0f}"))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda y, _: f"{y:,.0f}"))
    axes.grid(color=GRID)
    axes.legend(fontsize=SMALL, frameon=False)
    return figure


def _logarithmic(axes: Axes, label: str) -> None:
    axes.set(xscale="log", yscale="log", xlabel=label, ylabel="time")
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter(FuncFormatter(lambda x, _: f"{x:,.0f}"))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda y, _: duration(y)))
    axes.grid(color=GRID)
