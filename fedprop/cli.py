"""The command line: `fedprop run`, `sweep`, `report`, `verify`, `bench`, `list` and `schema`.

Exit codes: 0 done; 1 a run failed, or a claim is broken; 2 the input is wrong.
"""

import json
import os
import sys
from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

app = typer.Typer(
    name="fedprop",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
_out = Console()
_err = Console(stderr=True)


class Family(StrEnum):
    """What `fedprop list` can list."""

    AGGREGATORS = "aggregators"
    STAGES = "stages"
    PROTOCOLS = "protocols"
    ATTACKS = "attacks"
    DATASETS = "datasets"
    PARTITIONS = "partitions"
    MODELS = "models"
    POLICIES = "policies"
    OPTIMIZERS = "optimizers"


def _print_version(asked: bool) -> None:
    if asked:
        from importlib.metadata import version

        _out.print(version("fedprop"), highlight=False)
        raise typer.Exit


@app.callback()
def options(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version and stop.")
    ] = False,
) -> None:
    """Byzantine-robust federated learning with executable specifications."""


File = Annotated[Path, typer.Argument(help="A YAML file.", show_default=False)]
Assignments = Annotated[list[str], typer.Option("--set", metavar="a.b=YAML", help="Change one setting; repeatable.")]
DataDir = Annotated[Path | None, typer.Option(envvar="FEDPROP_DATA_DIR", help="The folder with the data files.")]
OutDir = Annotated[
    Path | None, typer.Option("--out", help="Where to keep the results. Default: a new folder in runs/.")
]


@app.command()
def run(
    file: File,
    assignments: Assignments = [],  # noqa: B006 - typer copies it
    seed: Annotated[int | None, typer.Option(help="Instead of the file's seed.")] = None,
    out: OutDir = None,
    device: Annotated[str | None, typer.Option(help="Instead of the file's device, for example cuda.")] = None,
    data_dir: DataDir = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on from the last checkpoint in --out.")] = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print the summary as one JSON object, and no report.")
    ] = False,
) -> None:
    """Run one experiment."""
    from fedprop.config_file import override, read_mapping, validate
    from fedprop.errors import InvalidConfig

    if resume and out is None:
        raise InvalidConfig("--resume needs --out, the folder of the run to go on with; found none")
    changes = [*assignments]
    changes += [f"{key}={value}" for key, value in (("seed", seed), ("device", device)) if value is not None]
    settings = override(read_mapping(file), changes)  # what is wrong so far is said without waiting for torch

    from fedprop.experiment import Experiment
    from fedprop.progress import LiveProgress
    from fedprop.publish import publish
    from fedprop.runner import run as run_experiment
    from fedprop.store import RunStore

    experiment = validate(Experiment, settings, str(file))
    folder = out or _fresh_folder(experiment.name)
    with LiveProgress(_err, experiment.rounds) as progress:
        run_experiment(experiment, data_dir=data_dir, out=folder, resume=resume, watchers=[progress])
    summary = RunStore(folder).meta("summary")
    if as_json:
        print(json.dumps({**summary, "folder": str(folder)}))
        return
    _out.print(_summary_table(summary))
    _out.print(f"report: {publish(folder)}", soft_wrap=True, highlight=False)


@app.command()
def sweep(
    file: File,
    assignments: Assignments = [],  # noqa: B006 - typer copies it
    out: OutDir = None,
    data_dir: DataDir = None,
    jobs: Annotated[int, typer.Option(min=0, help="Cells at a time; 0 takes one for each processor.")] = 0,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print the results as one JSON object, and no report.")
    ] = False,
) -> None:
    """Run a matrix of experiments; cells that are finished already are kept."""
    from fedprop.publish import publish, tables
    from fedprop.report import render_table
    from fedprop.sweep import load_sweep, run_sweep

    matrix = load_sweep(file, assignments)
    folder = out or Path("runs") / _slug(matrix.name)
    cpus = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    results = run_sweep(matrix, folder, data_dir=data_dir, jobs=jobs or cpus, on_cell=_say_cell)
    if as_json:
        cells = [{"labels": r.cell.labels, "seed": r.cell.seed, "failure": r.failure, **r.summary} for r in results]
        print(json.dumps({"name": matrix.name, "folder": str(folder), "cells": cells}))
    else:
        for table in tables(matrix, results):
            _out.print(render_table(table))
        _out.print(f"report: {publish(folder)}", soft_wrap=True, highlight=False)
    if any(r.failure for r in results):
        raise typer.Exit(1)


@app.command()
def report(folder: Annotated[Path, typer.Argument(help="The folder of a run or a sweep.", show_default=False)]) -> None:
    """Write figures, an HTML page and a Chrome trace."""
    from fedprop.publish import publish

    _out.print(f"report: {publish(folder)}", soft_wrap=True, highlight=False)


@app.command()
def verify(
    target: Annotated[str, typer.Argument(help="path/to/file.py:name or package.module:name.", show_default=False)],
    f: Annotated[str | None, typer.Option("--f", metavar="F or A..B", help="Byzantine rows. Default: 0..2.")] = None,
    n: Annotated[
        str | None, typer.Option("--n", metavar="N or A..B", help="Rows. Default: what the rule needs, and 4 more.")
    ] = None,
    as_: Annotated[
        str | None, typer.Option("--as", metavar="NAME", help="The built-in rule it should equal: krum, {kind: ...}.")
    ] = None,
    claim: Annotated[list[str], typer.Option(help="Hold a bare callable to this claim; repeatable.")] = [],  # noqa: B006
    assignments: Annotated[list[str], typer.Option("--set", metavar="NAME=YAML", help="An argument; repeatable.")] = [],  # noqa: B006
    examples: Annotated[int | None, typer.Option(help="Inputs for each claim, instead of the profile's.")] = None,
    profile: Annotated[str, typer.Option(help="fast or thorough.")] = "fast",
    seed: Annotated[int, typer.Option(help="What the inputs are drawn from.")] = 0,
    seconds: Annotated[float | None, typer.Option(help="Time for trying, instead of the profile's.")] = None,
    search: Annotated[
        bool, typer.Option("--search", help="Climb towards the worst robustness coefficient too.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the report as one JSON object.")] = False,
    html: Annotated[Path | None, typer.Option(help="Write a page with a plot of each counterexample.")] = None,
) -> None:
    """Property-test a rule, an attack, a defense or a codec of your own."""
    from hypothesis.database import DirectoryBasedExampleDatabase

    from fedprop.config_file import override, parse_yaml
    from fedprop.verify import verify as verify_target
    from fedprop.verify.options import numbers
    from fedprop.verify.page import write_page
    from fedprop.verify.render import as_text

    with _err.status("") as status:
        found = verify_target(
            target,
            f=None if f is None else numbers("f", f),
            n=None if n is None else numbers("n", n),
            as_=None if as_ is None else parse_yaml(as_, "--as"),
            claims=claim,
            settings=override({}, assignments),
            examples=examples,
            profile=profile,
            seed=seed,
            seconds=seconds,
            search=search,
            database=DirectoryBasedExampleDatabase(".hypothesis/fedprop"),
            on_outcome=lambda outcome: status.update(f"{outcome.name}: {outcome.verdict}"),
        )
    if html is not None:
        write_page(found, html)
    if as_json:
        print(found.model_dump_json())
    else:
        _out.print(_outcome_table(found))
        print(as_text(found))
    raise typer.Exit(1 if found.broken else 0)


@app.command()
def bench(
    out: Annotated[Path, typer.Option("--out", help="Where to write the table, the JSON and the figures.")] = Path(
        "runs/bench"
    ),
    device: Annotated[str, typer.Option(help="cpu or cuda.")] = "cpu",
    quick: Annotated[bool, typer.Option("--quick", help="Tiny sizes, to see that everything works.")] = False,
    peers: Annotated[
        Path | None, typer.Option(help="The folder that benchmarks/peers_speed/install.py filled.")
    ] = None,
    data_dir: DataDir = None,
) -> None:
    """Measure speed beside other libraries (in a source tree)."""
    from fedprop.bench import bench as run_bench

    command = " ".join(["fedprop", *sys.argv[1:]])
    # Lines instead of a moving display, which would itself take time.
    written = run_bench(
        out, device=device, quick=quick, peers=peers, data_dir=data_dir, command=command, say=_err.print
    )
    for path in written:
        _out.print(str(path), soft_wrap=True, highlight=False)


@app.command("list")
def list_kinds(family: Annotated[Family, typer.Argument(help="What to list.", show_default=False)]) -> None:
    """List what a configuration can name."""
    from fedprop.catalogue import kinds

    table = Table("kind", "settings", "what it is")
    for name, cls in kinds(family.value).items():
        fields = ", ".join(f for f in cls.model_fields if f != "kind")
        table.add_row(name, fields, (cls.__doc__ or "").strip().split("\n")[0])
    _out.print(table)


@app.command()
def schema(
    kind: Annotated[str, typer.Argument(help="experiment or sweep")] = "experiment",
) -> None:
    """Print the JSON schema of a configuration file."""
    from pydantic import BaseModel

    from fedprop.errors import InvalidConfig
    from fedprop.experiment import Experiment
    from fedprop.sweep import Sweep

    models: dict[str, type[BaseModel]] = {"experiment": Experiment, "sweep": Sweep}
    if kind not in models:
        raise InvalidConfig(f"`kind` must be one of {', '.join(models)}; found {kind!r}")
    print(json.dumps(models[kind].model_json_schema(), indent=1))


def main() -> None:
    """The console script: runs the app, and turns our own errors into a sentence and an exit code."""
    try:
        app()
    except Exception as error:
        from fedprop.errors import FedpropError, RunFailed

        if not isinstance(error, FedpropError):
            raise
        _err.print(f"fedprop: {error}", style="red", soft_wrap=True, highlight=False, markup=False)
        sys.exit(1 if isinstance(error, RunFailed) else 2)


def _fresh_folder(name: str) -> Path:
    """A folder in runs/ that does not exist yet."""
    base = Path("runs") / _slug(name)
    folder, number = base, 1
    while folder.exists():
        number += 1
        folder = base.with_name(f"{base.name}-{number}")
    return folder


def _slug(name: str) -> str:
    return "-".join(name.lower().split())


def _summary_table(summary: Mapping[str, Any]) -> Table:
    table = Table(title=summary["name"], show_header=False)
    rejected = summary["rejected"]
    refused = ", ".join(f"{reason} {count}" for reason, count in rejected.items())
    table.add_row("test error", f"{summary['test_error']:.4f}")
    if "epsilon" in summary:
        from fedprop.report.privacy import spent

        table.add_row("largest epsilon", spent(summary))
    if "misclassification_confidence" in summary:
        table.add_row("misclassification confidence", f"{summary['misclassification_confidence']:.4f}")
    table.add_row("rounds", f"{summary['rounds']} ({summary['failed_rounds']} failed)")
    table.add_row("virtual time", f"{summary['virtual_seconds']:,.1f} s")
    table.add_row("wall time", f"{summary['wall_seconds']:,.1f} s")
    table.add_row("updates accepted", str(summary["accepted"]))
    table.add_row("messages rejected", f"{sum(rejected.values())}" + (f" ({refused})" if refused else ""))
    if made := summary["decisions"]:
        cases = ", ".join(f"{case.replace('_', ' ')} {count}" for case, count in made["cases"].items())
        table.add_row("decisions", f"{cases} ({made['rollbacks']} rollbacks, {len(made['banned'])} banned at the end)")
    for found in summary["inference"]:
        result = f"AUC {found['auc']:.3f}, advantage {found['advantage']:.3f} (round {found['round']})"
        table.add_row(f"{found['attack']} on {found['target']}".replace("_", " "), result)
    table.add_row("trace", summary["trace_sha256"])
    return table


def _outcome_table(report: Any) -> Table:
    against = f", as {report.against}" if report.against else ""
    table = Table("claim", "", "verdict", "inputs", title=f"{report.target} ({report.family}{against})")
    marks = {"holds": "[green]holds[/]", "broken": "[red]BROKEN[/]", "skipped": "[dim]skipped[/]"}
    for outcome in report.outcomes:
        broken = "does not hold" if outcome.verdict == "broken" and not outcome.fails else marks[outcome.verdict]
        tried = ", ".join(part for part in (str(outcome.examples or ""), outcome.why) if part)
        table.add_row(outcome.name, outcome.status, broken, tried)
    return table


def _say_cell(result: Any) -> None:
    outcome = result.failure or f"test error {result.summary['test_error']:.3f}"
    _err.print(f"{result.cell.label}, seed {result.cell.seed}: {outcome}", highlight=False)
