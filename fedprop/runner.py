"""Running an experiment, in memory or on disk."""

import platform
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

from torch import nn

from fedprop.assembly import resolve
from fedprop.data import Dataset
from fedprop.errors import StoreError
from fedprop.experiment import Experiment, sound_experiment
from fedprop.params import ParameterLayout
from fedprop.simulation.engine import Observer, Outcome, Snapshot, simulate
from fedprop.simulation.events import Event, EventKind, RoundRecord
from fedprop.simulation.setup import Setup
from fedprop.store import RunStore, write_tensors
from fedprop.summary import summarize
from fedprop.training.memory import MemoryGauge

VERSIONED = ("fedprop", "torch", "numpy", "pydantic", "anyio", "scikit-learn")


class Recorder:
    """Counts what happens, hands it on, and writes it down: every `checkpoint_every` rounds, and at the end."""

    def __init__(self, store: RunStore | None, experiment: Experiment, watchers: Sequence[Observer]) -> None:
        totals = {} if store is None else store.meta("totals") or {}
        self.accepted: int = totals.get("accepted", 0)
        self.refused: Counter[str] = Counter(totals.get("rejected", {}))
        self._store = store
        self._every = experiment.checkpoint_every
        self._keeps_events = store is not None and experiment.keep_events
        self._watchers = watchers
        self._events: list[Event] = []
        self._rounds: list[RoundRecord] = []

    def on_event(self, event: Event) -> None:
        """Note an event."""
        if self._keeps_events:
            self._events.append(event)
        self.accepted += event.kind is EventKind.ACCEPTED
        if event.kind is EventKind.REJECTED:
            self.refused[event.detail] += 1
        for watcher in self._watchers:
            watcher.on_event(event)

    def on_round(self, record: RoundRecord, snapshot: Callable[[], Snapshot]) -> None:
        """Note a round, and save when it is time to."""
        self._rounds.append(record)
        for watcher in self._watchers:
            watcher.on_round(record, snapshot)
        if self._every and self._store is not None and (record.round + 1) % self._every == 0:
            self._flush(snapshot())

    def finish(self, summary: Mapping[str, Any]) -> None:
        """Write the rest and the summary."""
        self._flush(None, summary=summary)

    def _flush(self, snapshot: Snapshot | None, **meta: Any) -> None:
        if self._store is not None:
            totals = {"accepted": self.accepted, "rejected": dict(self.refused)}
            self._store.append(self._events, self._rounds, snapshot, totals=totals, **meta)
        self._events, self._rounds = [], []


def run(
    experiment: Experiment,
    *,
    data_dir: Path | None = None,
    out: Path | None = None,
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
    resume : go on from the last checkpoint in `out`, if there is one.
    dataset, model : your own, instead of those that the experiment names.
    watchers : are told of every event and round.

    Raises
    ------
    InvalidConfig, DataUnavailable
        If the experiment cannot be set up; nothing has run then.
    StoreError
        If `out` already holds a run and `resume` is off, or holds a different one.
    RunFailed
        If the simulation comes to a standstill, or a round to no end.
    """
    experiment = sound_experiment(experiment)
    setup = resolve(experiment, data_dir=data_dir, dataset=dataset, model=model)
    store = None if out is None else RunStore(out)
    saved, earlier = _prepare(store, experiment, setup, resume)
    recorder = Recorder(store, experiment, watchers)
    gauge = MemoryGauge(setup.device)
    outcome = simulate(setup, recorder, resume=saved, earlier=earlier)
    if out is not None:
        params, buffers = ParameterLayout.of(setup.module).views(outcome.parameters)
        write_tensors(out / "model.safetensors", params | buffers)
    summary = summarize(experiment, setup, outcome, recorder.accepted, recorder.refused)
    recorder.finish(summary | gauge.read())
    return outcome


def _prepare(
    store: RunStore | None, experiment: Experiment, setup: Setup, resume: bool
) -> tuple[Snapshot | None, tuple[RoundRecord, ...]]:
    """Create the run's folder, or find what to go on from."""
    if store is None:
        return None, ()
    settings = experiment.model_dump(mode="json")
    if not store.exists:
        store.create(settings=settings, versions=versions(), compromised=sorted(setup.compromised))
        return None, ()
    if not resume:
        raise StoreError(f"{store.folder} already holds a run; choose another folder, or resume it")
    if store.meta("settings") != settings:
        raise StoreError(f"{store.folder} holds a run of another configuration; choose another folder")
    if store.meta("summary") is not None:
        raise StoreError(f"the run in {store.folder} is finished; there is nothing to resume")
    return store.checkpoint(), tuple(store.rounds())


def versions() -> dict[str, str]:
    """What a run was made with."""
    return {"python": platform.python_version(), **{name: version(name) for name in VERSIONED}}
