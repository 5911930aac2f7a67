"""All measurements in order, and what is written: a JSON, a page and the figures."""

import importlib
import importlib.util
import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from benchmarks import aggregation, plots, rounds, sweeps
from benchmarks.machine import limits, machine, versions
from benchmarks.table import page


@dataclass(frozen=True)
class Part:
    """A module here that measures fedprop alone: its `measure` takes these settings and answers with records."""

    name: str
    settings: Mapping[str, Any]
    quick: Mapping[str, Any]
    on_data: bool = False


OWN = (
    Part(
        "training",
        {"rounds": 1, "passes": 2},
        {"rounds": 1, "passes": 1, "models": ("logistic_regression",), "steps": (1,)},
        on_data=True,
    ),
    Part("asynchronous", {}, {"rounds": 1, "passes": 1, "models": ("logistic_regression",)}, on_data=True),
    Part("event_loop", {}, {"updates": 100, "repeats": 1, "clients": 1_000}),
    Part("catalogue", {}, {"n": 11, "d": 2_000, "passes": 1}),
)

PASSES, QUICK_PASSES = 3, 1

PARTIAL = "-partial"
"""What the files of a benchmark that is not whole are named by, after those of a whole one."""


def measure(
    *,
    device: str,
    quick: bool,
    passes: int | None = None,
    peers: Path | None,
    data_dir: Path | None,
    command: str,
    say: Callable[[str], None] = lambda text: None,
) -> Iterator[dict[str, Any]]:
    """All that is measured so far, JSON-ready, after each part; `unfinished` until the last one.

    A quick run measures nothing worth reading: it shows that all parts work.
    """
    passes = passes or (QUICK_PASSES if quick else PASSES)
    place = torch.device(device)
    found: dict[str, Any] = {"command": command, "quick": quick, "device": device, "unfinished": True}
    found |= {"machine": machine(place), "versions": versions(), "limits": limits(place, quick=quick)}
    found |= {"aggregation": [], "sweeps": [], "own": {}, "rounds": {"absent": [], "rows": []}}
    for name, part in (("aggregation", aggregation), ("sweeps", sweeps)):
        found[name] = list(part.measure(place, quick=quick, passes=passes, say=say))
        yield found
    for p in OWN if device == "cpu" else ():
        if rows := own(p, quick=quick, data_dir=data_dir, say=say):
            found["own"][p.name] = rows
            yield found
    for trained in rounds.measure(device, peers, data_dir=data_dir, quick=quick, passes=passes, say=say):
        found["rounds"] = trained
        yield found
    del found["unfinished"]
    yield found


def own(part: Part, *, quick: bool, data_dir: Path | None, say: Callable[[str], None]) -> list[dict[str, Any]]:
    """What a part measures; nothing if it is not there, or lacks the data it needs."""
    if importlib.util.find_spec(f"benchmarks.{part.name}") is None or (part.on_data and data_dir is None):
        return []
    say(part.name.replace("_", " "))
    settings = {**(part.quick if quick else part.settings), **({"data_dir": data_dir} if part.on_data else {})}
    rows: list[dict[str, Any]] = importlib.import_module(f"benchmarks.{part.name}").measure(**settings)
    return rows


def write(results: dict[str, Any], folder: Path) -> list[Path]:
    """Write `speed.json`, `speed.md` and the figures (`gpu-speed...` for a GPU); their paths.

    What is unfinished stands beside an older whole result, as `speed-partial...`, until it is whole itself.
    """
    folder.mkdir(parents=True, exist_ok=True)
    write_texts(results, folder, [])  # what has been measured is there, whatever becomes of the figures
    figures = plots.write(results, folder, _stem(results))
    written = [*write_texts(results, folder, figures), *figures]
    if not results.get("unfinished"):
        for path in folder.glob(f"{_stem(results)}{PARTIAL}*"):
            path.unlink()
    return written


def write_texts(results: dict[str, Any], folder: Path, figures: Sequence[Path]) -> list[Path]:
    """Write the JSON and the page, which shows these figures; their paths."""
    data, text = folder / f"{_stem(results)}.json", folder / f"{_stem(results)}.md"
    data.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")
    shown = "\n".join(f"![{path.stem}]({path.name})\n" for path in figures)
    text.write_text(f"{page(results)}\n## Figures\n\n{shown}", encoding="utf-8")
    return [data, text]


def renew(name: str, rows: list[dict[str, Any]], command: str, folder: Path) -> list[Path]:
    """Put the records of one part into `speed.json` and `speed.md`, as measured later than the rest."""
    results = json.loads((folder / "speed.json").read_text(encoding="utf-8"))
    host, present = machine(torch.device("cpu")), {library: v for library, v in versions().items() if v}
    threads = f"{host['cores']} cores, {host['torch_threads']} torch threads"
    with_ = ", ".join(f"{library} {number}" for library, number in present.items())
    results["own"][name] = rows
    results.setdefault("later", {})[name] = f"Measured later than the rest, by `{command}` on {threads}; {with_}.\n"
    figures = re.findall(r"^!\[.*\]\((.*)\)$", (folder / "speed.md").read_text(encoding="utf-8"), re.MULTILINE)
    return write_texts(results, folder, [folder / figure for figure in figures])


def _stem(results: Mapping[str, Any]) -> str:
    whole = "speed" if results["device"] == "cpu" else "gpu-speed"
    return f"{whole}{PARTIAL}" if results.get("unfinished") else whole
