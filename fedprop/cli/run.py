"""`fedprop run`."""

import json
from collections.abc import Mapping, Sequence
from contextlib import ExitStack, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.table import Table

from fedprop.cli.console import ERR, OUT, clean_stdout
from fedprop.cli.folders import fresh_folder
from fedprop.cli.interruptions import telling_how_to_go_on
from fedprop.cli.matrix import run_matrix
from fedprop.cli.options import Assignments, DataDir, File, OutDir, Seeds, Trackers
from fedprop.cli.tracking import drawn_in, trackers_of

if TYPE_CHECKING:
    from fedprop.experiments.experiment import Experiment
    from fedprop.experiments.tracking import Tracking
    from fedprop.tracking import Tracker


def run(
    file: File,
    assignments: Assignments = [],  # noqa: B006 - typer copies it
    seed: Annotated[int | None, typer.Option(help="Instead of the file's seed.")] = None,
    seeds: Seeds = None,
    out: OutDir = None,
    device: Annotated[str | None, typer.Option(help="Instead of the file's device, for example cuda.")] = None,
    data_dir: DataDir = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on from the last checkpoint in --out, or for more rounds.")
    ] = False,
    track: Trackers = [],  # noqa: B006 - typer copies it
    jobs: Annotated[
        int | None, typer.Option(min=0, help="Seeds at a time; 0, the default, takes all processors.")
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print the summary as one JSON object, and no report.")
    ] = False,
) -> None:
    """Run one experiment, or with --seeds one for each seed."""
    from fedprop.experiments.config_file import override, parse_yaml, read_mapping

    _check_options(seed, seeds, out, resume, jobs)
    changes = [*assignments]
    changes += [f"{key}={value}" for key, value in (("seed", seed), ("device", device)) if value is not None]
    settings = override(read_mapping(file), changes)  # what is wrong so far is said without waiting for torch

    from fedprop.experiments.experiment import parse_experiment

    with clean_stdout(wanted=as_json):
        experiment = parse_experiment(settings, str(file))
    trackers = trackers_of(track)
    with nullcontext(out) if out else fresh_folder(experiment.name) as folder:
        if seeds is None:
            more = [*([] if out else ["--out", str(folder)]), *([] if resume else ["--resume"])]
            with telling_how_to_go_on(folder / "run.sqlite", *more):
                _run_one(experiment, folder, trackers, data_dir=data_dir, resume=resume, as_json=as_json)
        else:
            from fedprop.experiments.sweep import over_seeds

            matrix = over_seeds(settings, experiment.name, parse_yaml(seeds, "--seeds"))
            with telling_how_to_go_on(folder / "sweep.json", *([] if out else ["--out", str(folder)])):
                run_matrix(matrix, folder, data_dir=data_dir, jobs=jobs or 0, as_json=as_json, trackers=trackers)


def _check_options(seed: int | None, seeds: str | None, out: Path | None, resume: bool, jobs: int | None) -> None:
    from fedprop.errors import InvalidConfig

    if resume and out is None:
        raise InvalidConfig("--resume needs --out, the folder of the run to go on with; found none")
    if seeds is None and jobs is not None:
        raise InvalidConfig(f"--jobs needs --seeds, since a run is one at a time; found --jobs {jobs}")
    if seeds is not None and seed is not None:
        raise InvalidConfig(f"--seed and --seeds must not be given both; found {seed} and {seeds}")
    if seeds is not None and resume:
        raise InvalidConfig("--resume must be left out with --seeds, which keeps what is finished in --out; found both")


def _run_one(
    experiment: "Experiment",
    folder: Path,
    trackers: "Sequence[Tracker]",
    *,
    data_dir: Path | None,
    resume: bool,
    as_json: bool,
) -> None:
    from fedprop.experiments.store import RunStore
    from fedprop.experiments.tracking import Tracking

    earlier = RunStore(folder).each_round
    with ExitStack() as tracks:
        watchers = [tracks.enter_context(Tracking(each, experiment, folder, earlier=earlier)) for each in trackers]
        _run_watched(experiment, folder, watchers, data_dir=data_dir, resume=resume, as_json=as_json)


def _run_watched(
    experiment: "Experiment",
    folder: Path,
    watchers: "Sequence[Tracking]",
    *,
    data_dir: Path | None,
    resume: bool,
    as_json: bool,
) -> None:
    from fedprop.cli.progress import LiveProgress
    from fedprop.errors import RunFailed
    from fedprop.experiments.runner import run as run_experiment
    from fedprop.experiments.store import RunStore
    from fedprop.report.publish import publish

    failure = None
    if resume and not RunStore(folder).exists:
        ERR.print(f"{folder} holds no run to go on with; a new one begins there", soft_wrap=True, highlight=False)
    try:
        with LiveProgress(ERR, experiment.rounds) as progress, clean_stdout(wanted=as_json):
            run_experiment(experiment, data_dir=data_dir, out=folder, resume=resume, watchers=[progress, *watchers])
    except RunFailed as error:
        failure = error
    store = RunStore(folder)
    summary = (store.meta("summary") or {}) if store.exists else {}
    if failure is not None and "failure" not in summary:
        raise failure
    if as_json:
        print(json.dumps({**summary, "folder": str(folder)}))
    else:
        _show(summary)
        OUT.print(f"report: {publish(folder)}", soft_wrap=True, highlight=False)
    for watcher in watchers:
        watcher.pictures(drawn_in(folder))
    if failure is not None:
        raise failure


def _show(summary: Mapping[str, Any]) -> None:
    from fedprop.experiments.headline import headline

    OUT.print(headline(summary), soft_wrap=True, highlight=False, markup=False)
    for warning in summary["warnings"]:
        OUT.print(f"warning: {warning}", style="yellow", soft_wrap=True, highlight=False, markup=False)
    OUT.print(_summary_table(summary))


def _summary_table(summary: Mapping[str, Any]) -> Table:
    table = Table(title=summary["name"], show_header=False)
    rejected = summary["rejected"]
    refused = ", ".join(f"{reason} {count}" for reason, count in rejected.items())
    if summary["test_error"] is None:
        table.add_row("test error", "failed")
    for number in summary["numbers"].values():
        table.add_row(number["label"], number["text"])
    if summary["best_round"] is not None:
        table.add_row("best round", str(summary["best_round"]))
    if "epsilon" in summary:
        from fedprop.report.privacy import spent

        table.add_row("privacy", f"epsilon {spent(summary)}")
    ended = f"; {summary['ended']}" if summary["ended"] else ""
    table.add_row("rounds", f"{summary['rounds']} ({summary['failed_rounds']} failed{ended})")
    table.add_row("virtual time", f"{summary['virtual_seconds']:,.1f} s")
    table.add_row("wall time", f"{summary['wall_seconds']:,.1f} s")
    table.add_row("training engine", ", since ".join(filter(None, (summary["engine"], summary["engine_reason"]))))
    table.add_row("updates accepted", str(summary["accepted"]))
    table.add_row("messages rejected", f"{sum(rejected.values())}" + (f" ({refused})" if refused else ""))
    if made := summary["decisions"]:
        cases = ", ".join(f"{case.replace('_', ' ')} {count}" for case, count in made["cases"].items())
        besides = f" ({made['rollbacks']} rollbacks, {len(made['banned'])} banned at the end)"
        table.add_row("decisions", cases + (besides if made["rollbacks"] or made["banned"] else ""))
    for found in summary["inference"]:
        told = {name: value for name, value in found.items() if isinstance(value, float)}
        result = f"{', '.join(f'{name} {value:.3f}' for name, value in told.items())} (round {found['round']})"
        table.add_row(f"{found['attack']} on {found['target']}".replace("_", " "), result)
    table.add_row("trace", summary["trace_sha256"])
    return table
