"""Runs on their way to a tracker: as they go on, or from their folders."""

from collections.abc import Callable, Collection, Iterable, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

from fedprop.experiments.experiment import Experiment
from fedprop.experiments.identity import settings_of
from fedprop.experiments.measures import kinds_of_numbers
from fedprop.experiments.store import RunStore
from fedprop.metrics import Reading
from fedprop.simulation.engine import Moment, Observer
from fedprop.simulation.events import Event, RoundRecord
from fedprop.tracking import Track, Tracker
from fedprop.types import ClientId


def _none() -> Iterable[RoundRecord]:
    return ()


class Tracking(Observer):
    """A watcher that hands the numbers of each round to a tracker; its block ends with the run.

        with Tracking(TensorBoard(), experiment, folder) as tracking:
            run(experiment, out=folder, watchers=[tracking])

    The track begins with the first round that closes, so that a run that cannot begin leaves none.
    """

    def __init__(
        self,
        tracker: Tracker,
        experiment: Experiment,
        folder: Path | str,
        *,
        earlier: Callable[[], Iterable[RoundRecord]] = _none,
    ) -> None:
        """`folder` is where the tracker keeps its files; `earlier` tells the rounds of a run that is gone on with."""
        self._tracker = tracker
        self._experiment = experiment
        self._folder = Path(folder)
        self._earlier = earlier
        self._track: Track | None = None

    def __enter__(self) -> "Tracking":
        self._tracker.check()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        if self._track is not None:
            self._track.end("" if error is None else str(error) or type(error).__name__)

    def on_event(self, event: Event) -> None:
        """Nothing: rounds are told, and not what happens within them."""

    def on_round(self, record: RoundRecord, snapshot: Moment) -> None:
        """Note the numbers of a round."""
        if self._track is None:
            self._track = _opened(self._tracker, self._experiment.name, settings_of(self._experiment), self._folder)
            for before in self._earlier():
                if before.round < record.round:
                    self._track.numbers(before.round, numbers_of(before, snapshot.compromised))
        self._track.numbers(record.round, numbers_of(record, snapshot.compromised))

    def pictures(self, drawn: Iterable[tuple[str, bytes]]) -> None:
        """Keep pictures, each a name and a PNG, if there is a track."""
        for name, png in drawn if self._track is not None else ():
            assert self._track is not None
            self._track.picture(name, png)


def track_stored(
    store: RunStore,
    trackers: Sequence[Tracker],
    folder: Path,
    *,
    name: str = "",
    pictures: Iterable[tuple[str, bytes]] = (),
) -> None:
    """Hand a run that is on disk to trackers, whole, under its own name or another; they keep their files in `folder`.

    Raises
    ------
    InvalidConfig
        If what a tracker needs is not installed.
    StoreError
        If the run is damaged.
    """
    settings, summary = store.mapping("settings") or {}, store.mapping("summary") or {}
    compromised, drawn = store.compromised, list(pictures)
    for tracker in trackers:
        tracker.check()
        track = _opened(tracker, name or str(settings.get("name", store.folder.name)), settings, folder)
        for record in store.each_round():
            track.numbers(record.round, numbers_of(record, compromised))
        for title, png in drawn:
            track.picture(title, png)
        track.end(str(summary.get("failure", "") or store.meta("failure") or ""))


def numbers_of(record: RoundRecord, compromised: Collection[ClientId]) -> dict[str, float]:
    """The numbers of a round by their kinds, their parts as `f1/3`, and what became of its messages.

    A number that is not defined in this round is left out.
    """
    found: dict[str, float] = {
        "accepted": float(record.accepted),
        "rejected": float(record.rejected),
        "failed": float(bool(record.failure)),
        "virtual_seconds": record.time,
    }
    readings = dict(record.numbers)
    for kind, cls in kinds_of_numbers().items():
        if cls.standing and kind not in readings:
            told = cls.model_validate({"kind": kind}).read(record, compromised)
            readings |= {} if told is None else {kind: told}
    for kind, reading in readings.items():
        found |= dict(_values(kind, reading))
    return found


def _values(kind: str, reading: Reading) -> Iterable[tuple[str, float]]:
    told = {kind: reading.value, **{f"{kind}/{part}": value for part, value in reading.parts.items()}}
    return ((name, value) for name, value in told.items() if value is not None)


def _opened(tracker: Tracker, name: str, config: Any, folder: Path) -> Track:
    folder.mkdir(parents=True, exist_ok=True)
    return tracker.open(name, config, folder)
