"""Writes down what happens in a run."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from fedprop.experiments.best import BestModel
from fedprop.experiments.experiment import Experiment
from fedprop.experiments.store import RunStore, Totals
from fedprop.simulation.engine import Moment, Observer, tell_activity, wish
from fedprop.simulation.events import Event, EventKind, RoundRecord

HELD = 10_000
"""Most events and rounds held in memory between two checkpoints; written together they cost less than one by one."""


class Recorder:
    """Counts what happens, hands it on, and writes it down: every `checkpoint_every` rounds, and at the end.

    There is no checkpoint after the last round, from which nothing could go on. A run that is to go on for more rounds
    does its last one again, since the last round of a run is always evaluated and may be attacked. Nor is there one
    after a round at which a watcher ends the run: the run then goes on from before, and the watcher is asked again.
    """

    def __init__(
        self,
        store: RunStore | None,
        experiment: Experiment,
        watchers: Sequence[Observer],
        totals: Totals = Totals(),  # noqa: B008 - it is frozen
        best: BestModel | None = None,
    ) -> None:
        self.accepted: int = totals.accepted
        self.refused: Counter[str] = Counter(totals.rejected)
        self._store = store
        self._every = experiment.checkpoint_every
        self._keeps_events = store is not None and experiment.keep_events
        self._watchers = watchers
        self._best = best
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

    def on_activity(self, what: str) -> None:
        """Hand on what takes long."""
        for watcher in self._watchers:
            tell_activity(watcher, what)

    def on_round(self, record: RoundRecord, snapshot: Moment) -> str:
        """Note a round, save when it is time to, and say why a watcher wants the run to end, if one does."""
        self._rounds.append(record)
        if self._best is not None:
            self._best.note(record, snapshot.parameters)
        why = [told for watcher in self._watchers if (told := wish(watcher, record, snapshot))]
        if self._every and (record.round + 1) % self._every == 0 and not (record.last or why):
            self._flush(snapshot)
        elif len(self._events) + len(self._rounds) >= HELD:
            self._flush(None)
        return "; ".join(why)

    def finish(self, summary: Mapping[str, Any]) -> None:
        """Write the rest and the summary."""
        self._flush(None, summary=summary)

    def _flush(self, moment: Moment | None, **meta: Any) -> None:
        if self._store is not None:
            totals = Totals(accepted=self.accepted, rejected=dict(self.refused))
            saved = None if moment is None else moment()
            if self._best is not None:
                self._best.write(self._store.folder)
                if saved is not None:
                    saved.tensors.update(self._best.tensors)
            self._store.append(self._events, self._rounds, saved, totals=totals, **meta)
        self._events, self._rounds = [], []
