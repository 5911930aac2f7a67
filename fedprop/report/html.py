"""The HTML report: one file that needs no network, beside its figures and its trace."""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

import yaml
from jinja2 import Environment, PackageLoader, StrictUndefined

from fedprop.experiments.headline import headline
from fedprop.experiments.measures import kinds_of_numbers
from fedprop.files import write_atomically
from fedprop.report.chrome_trace import chrome_trace
from fedprop.report.membership import lines
from fedprop.report.outcomes import fates, rejections
from fedprop.report.privacy import against_target, spending, spent
from fedprop.report.run import DEVIATION, RunView, TableView
from fedprop.report.units import duration

if TYPE_CHECKING:
    from fedprop.report.picture import Drawn

Links: TypeAlias = Mapping[tuple[str, str, str], str]

NO_LINKS: Links = MappingProxyType({})
NO_CONFIG: Mapping[str, Any] = MappingProxyType({})


def write_run_report(run: RunView, folder: Path) -> Path:
    """Write `report.html`, its figures as PNG and `trace.json` into the folder; returns the page's path.

    Raises
    ------
    StoreError
        If the folder cannot be written to.
    """
    from fedprop.report.pictures import by_section, run_pictures  # imports matplotlib

    pictures = run_pictures(run)
    _write_pictures(folder, pictures)
    write_atomically(folder / "trace.json", json.dumps(chrome_trace(run), separators=(",", ":")))
    return write_page(
        folder / "report.html",
        "run.html.j2",
        run=run,
        line=headline(run.summary),
        cards=cards(run),
        pictures=by_section(pictures),
        rejections=rejections(run),
        rejected=sum(record.rejected for record in run.rounds),
        ruled=any(record.ruling for record in run.rounds),
        fates=fates(run),
        membership=lines([run]),
        spending=spending(run),
        spent=spent(run.summary) if "epsilon" in run.summary else "",
        config=_yaml(run.config),
    )


def write_sweep_report(
    title: str,
    tables: Sequence[TableView],
    runs: Sequence[RunView],
    folder: Path,
    *,
    config: Mapping[str, Any] = NO_CONFIG,
    links: Links = NO_LINKS,
) -> Path:
    """Write `report.html` and its figures into the folder; returns the page's path.

    `config` is the sweep's file as nested plain data. `links` maps a cell, (title of its table, row, column), to the
    address of its own page, relative to the folder.

    Raises
    ------
    StoreError
        If the folder cannot be written to.
    """
    from fedprop.report.pictures import by_section, table_pictures  # imports matplotlib

    drawn = [table_pictures(number, table, runs) for number, table in enumerate(tables, start=1)]
    _write_pictures(folder, [picture for pictures in drawn for picture in pictures])
    return write_page(
        folder / "report.html",
        "sweep.html.j2",
        title=title,
        tables=list(zip(tables, map(by_section, drawn), strict=True)),
        config=_yaml(config),
        versions=runs[0].versions if runs else {},
        links=links,
        deviation=DEVIATION,
    )


def _yaml(config: Mapping[str, Any]) -> str:
    text: str = yaml.safe_dump(dict(config), sort_keys=False, allow_unicode=True)
    return text


class Card(NamedTuple):
    """A number of a run in large print, and a few words that belong to it in small print."""

    value: str
    note: str = ""


def cards(run: RunView) -> dict[str, Card]:
    """The run in a few numbers; a dash for one that the summary lacks."""
    shown = {
        "final test error": ("test_error", "{:.3f}".format, ""),
        "rounds": ("rounds", "{:,}".format, ""),
        "simulated time": ("virtual_seconds", duration, ""),
        "wall time": ("wall_seconds", duration, ""),
        "clients trained together": ("clients_per_pass", "{:.1f}".format, "on average"),
    }
    numbers = {name: _card(run.summary.get(key), show, note) for name, (key, show, note) in shown.items()}
    if run.summary.get("engine"):
        numbers["training engine"] = Card(run.summary["engine"], run.summary["engine_reason"])
    if run.summary.get("ended"):
        numbers["rounds"] = numbers["rounds"]._replace(note=f"ended early: {run.summary['ended']}")
    for kind, told in run.summary.get("numbers", {}).items():
        if kind in kinds_of_numbers() and kinds_of_numbers()[kind].card:
            numbers[told["label"]] = _card(told["value"], "{:.3f}".format, "")
    if "epsilon" in run.summary:
        numbers["largest epsilon"] = Card(f"{run.summary['epsilon']:.2f}", against_target(run.summary))
    return numbers


def _card(value: Any, show: Callable[[Any], str], note: str) -> Card:
    return Card("–") if value is None else Card(show(value), note)


def _write_pictures(folder: Path, pictures: Iterable["Drawn"]) -> None:
    for picture in pictures:
        write_atomically(folder / f"{picture.name}.png", picture.png)


def write_page(path: Path, template: str, **content: Any) -> Path:
    """Fill one of the templates and write the page; returns its path.

    Raises
    ------
    StoreError
        If the place cannot be written to.
    """
    loader = PackageLoader("fedprop.report")
    pages = Environment(loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    write_atomically(path, pages.get_template(template).render(**content))
    return path
