"""Running an experiment, in memory or on disk."""

import platform
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from torch import nn

from fedprop.data import Dataset
from fedprop.errors import InvalidConfig, RunFailed, StoreError
from fedprop.experiments.assembly import materials, resolve
from fedprop.experiments.best import TENSOR, BestModel
from fedprop.experiments.experiment import Experiment, sound_experiment
from fedprop.experiments.identity import version
from fedprop.experiments.model_file import write_model
from fedprop.experiments.recorder import Recorder
from fedprop.experiments.resuming import begin, identify
from fedprop.experiments.specimens import specimens
from fedprop.experiments.store import Checkpoint, RunStore, Totals
from fedprop.experiments.summary import summarize
from fedprop.failures import in_words
from fedprop.folders import claimed
from fedprop.simulation.engine import Observer as Observer
from fedprop.simulation.engine import Outcome, simulate
from fedprop.simulation.setup import Setup
from fedprop.training.memory import MemoryGauge

VERSIONED = ("fedprop", "torch", "numpy", "pydantic", "anyio", "scikit-learn")


def run(
    experiment: Experiment,
    *,
    data_dir: Path | str | None = None,
    out: Path | str | None = None,
    resume: bool = False,
    dataset: Dataset | None = None,
    model: nn.Module | None = None,
    watchers: Sequence[Observer] = (),
) -> Outcome:
    """Run an experiment to its end.

    Parameters
    ----------
    experiment : what to run.
    data_dir : the folder with the files of MNIST and its like.
    out : a folder to keep the run in; None keeps nothing.
    resume : go on from the last checkpoint in `out`, if there is one. A finished run goes on if the experiment's
        `rounds` or `max_seconds` have grown since, or its `until` takes longer, and ends as if it had been so from the
        beginning; one that a watcher ended goes on until a watcher ends it again.
    dataset, model : your own, instead of those that the experiment names.
    watchers : are told of every event and round, and may end the run: see `fedprop.simulation.engine.Observer`.

    Raises
    ------
    InvalidConfig, DataUnavailable
        If the experiment cannot be set up; nothing has run then.
    StoreError
        If `out` is in use by another process, or already holds a run and `resume` is off, or holds a run of something
        else: other settings, data, model, rule or version; the message says which.
    WriteFailed
        If the disk gives out. What was kept before is still there.
    RunFailed
        If the simulation comes to a standstill, a round to no end, or every round has failed.
    """
    if resume and out is None:
        raise InvalidConfig("`resume` needs `out`, the folder of the run to go on with; found None")
    experiment = sound_experiment(experiment)
    if experiment.keep_best and out is None:
        raise InvalidConfig("`keep_best` needs `out`, the folder to keep the model in; found None")
    data_dir = None if data_dir is None else Path(data_dir)
    if out is None:
        setup = resolve(experiment, data_dir=data_dir, dataset=dataset, model=model)
        return _run(experiment, setup, None, None, watchers)
    return run_in(
        Path(out), experiment, data_dir=data_dir, resume=resume, dataset=dataset, model=model, watchers=watchers
    )


def run_in(
    folder: Path,
    experiment: Experiment,
    *,
    data_dir: Path | None = None,
    resume: bool = False,
    retry: bool = False,
    dataset: Dataset | None = None,
    model: nn.Module | None = None,
    watchers: Sequence[Observer] = (),
) -> Outcome:
    """As `run`, in a folder. With `retry` a run there that failed is no obstacle, whatever it was a run of."""
    data, module = materials(experiment, data_dir=data_dir, dataset=dataset, model=model)
    setup = resolve(experiment, dataset=data, model=module)
    what = identify(experiment, setup, data, module)
    with claimed(folder):
        store = RunStore(folder)
        meta = {"versions": versions(), "compromised": sorted(setup.compromised), "aims": specimens(setup)}
        saved = begin(store, what, resume=resume, retry=retry, **meta)
        try:
            return _run(experiment, setup, store, saved, watchers)
        except Exception as error:
            with suppress(StoreError):  # nothing must hide the error itself
                store.put(failure=in_words(error))
            raise


def _run(
    experiment: Experiment,
    setup: Setup,
    store: RunStore | None,
    saved: Checkpoint | None,
    watchers: Sequence[Observer],
) -> Outcome:
    """Run from the beginning or from a checkpoint, and write it down if there is a store."""
    best = None
    if store is not None and experiment.keep_best:
        kept = None if saved is None else saved.snapshot.tensors.pop(TENSOR, None)
        best = BestModel(setup.module, store.each_round(), kept)
    recorder = Recorder(store, experiment, watchers, Totals() if saved is None else saved.totals, best)
    gauge = MemoryGauge(setup.device)
    outcome = simulate(
        setup,
        recorder,
        resume=None if saved is None else saved.snapshot,
        earlier=() if store is None else store.each_round(),
    )
    if store is not None:
        write_model(store.folder / "model.safetensors", setup.module, outcome.parameters)
    summary = summarize(experiment, setup, outcome, recorder.accepted, recorder.refused)
    recorder.finish(summary | gauge.read())
    if "failure" in summary:
        raise RunFailed(summary["failure"])
    return outcome


def versions() -> dict[str, str]:
    """What a run was made with."""
    return {"python": platform.python_version(), **{name: version(name) for name in VERSIONED}}
