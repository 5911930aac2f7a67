"""What a report is made from: one run, or one table of a sweep."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from statistics import fmean, stdev
from typing import Any, NamedTuple

from fedprop.experiments.headline import LEGEND
from fedprop.simulation.events import Event, RoundRecord
from fedprop.types import ClientId

DEVIATION = 0.15
"""A cell further than this from the paper's number is flagged."""


@dataclass(frozen=True)
class RunView:
    """One run, as the store kept it.

    Attributes
    ----------
    label : the run's name.
    config : the YAML file as nested plain data.
    versions : package name to version.
    summary : `test_accuracy`, `test_error`, `rounds`, `virtual_seconds`, `wall_seconds`, `trace_sha256`, ...; a key
        that is absent is shown as a dash.
    rounds, events : what happened, in order.
    compromised : ids of the clients that the adversary holds.
    failure : why the run is no result, or an empty string.
    aims : inputs that attacks want misclassified, as `fedprop.experiments.specimens` keeps them, by the attack's place.
    table, row, column : where a run of a sweep belongs: the title of its `TableView`, and its cell there.
    """

    label: str
    config: Mapping[str, Any]
    versions: Mapping[str, str]
    summary: Mapping[str, Any]
    rounds: Sequence[RoundRecord]
    events: Sequence[Event]
    compromised: frozenset[ClientId]
    failure: str = ""
    aims: Mapping[str, Any] = field(default_factory=dict)
    table: str = ""
    row: str = ""
    column: str = ""


NOT_RUN = "not run to its end yet"
"""Why a cell of a sweep has no number that has not ended, nor failed."""


class Failure(NamedTuple):
    """A trial that came to nothing, and why."""

    trial: str
    reason: str


@dataclass(frozen=True)
class Cell:
    """One cell of a table: our trials and the paper's number, each possibly absent.

    `marks` are those of `fedprop.experiments.headline`: what went wrong in some trial. `failures` are the trials that
    failed, `missing` those that have no number for another reason.

    >>> cell = Cell((0.10, 0.14), paper=0.31)
    >>> print(cell, round(cell.mean, 2), cell.deviates)
    0.12 ± 0.03 0.12 True
    >>> print(Cell(failures=(Failure("seed 0", "no updates"),)))
    failed
    >>> print(Cell((0.25,), missing=(Failure("seed 1", "not run yet"),)))
    0.25 (1 of 2 missing)
    """

    trials: tuple[float, ...] = ()
    paper: float | None = None
    marks: str = ""
    failures: tuple[Failure, ...] = ()
    missing: tuple[Failure, ...] = ()

    @property
    def mean(self) -> float | None:
        """The mean over trials; None when there are none."""
        return fmean(self.trials) if self.trials else None

    @property
    def partial(self) -> bool:
        """Whether some trials that were asked for have no number here, and others do, or some failed."""
        return bool(self.failures or (self.missing and self.trials))

    @property
    def deviates(self) -> bool:
        """Whether both numbers exist and differ by more than `DEVIATION`, rounding aside."""
        return self.mean is not None and self.paper is not None and abs(self.mean - self.paper) > DEVIATION + 1e-9

    def __str__(self) -> str:
        """Our number: the mean, the standard deviation between trials when there are several, and what went wrong."""
        if self.mean is None:
            return "failed" if self.failures else "–"
        spread = f" ± {stdev(self.trials):.2f}" if len(self.trials) > 1 else ""
        asked = len(self.trials) + len(self.failures) + len(self.missing)
        lost = {"failed": len(self.failures), "missing": len(self.missing)}
        told = ", ".join(f"{count} of {asked} {how}" for how, count in lost.items() if count)
        return f"{self.mean:.2f}{spread}{self.marks}{told and f' ({told})'}"


@dataclass(frozen=True)
class TableView:
    """One table of a sweep, for example rules against attacks, beside the numbers of a paper.

    Attributes
    ----------
    ours : (row, column) to one value for each trial that has one.
    paper : (row, column) to the paper's number, where it states one.
    source : where the paper's numbers stand ("Fang et al. 2020, Table 2e"), or an empty string.
    value : what the numbers are.
    marks : (row, column) to the marks of a number that must be taken with care.
    failures : (row, column) to the trials that failed.
    missing : (row, column) to the trials without a number that did not fail.
    """

    title: str
    rows: tuple[str, ...]
    columns: tuple[str, ...]
    ours: Mapping[tuple[str, str], tuple[float, ...]]
    paper: Mapping[tuple[str, str], float]
    source: str
    value: str = "test error"
    notes: str = ""
    marks: Mapping[tuple[str, str], str] = field(default_factory=dict)
    failures: Mapping[tuple[str, str], tuple[Failure, ...]] = field(default_factory=dict)
    missing: Mapping[tuple[str, str], tuple[Failure, ...]] = field(default_factory=dict)

    @property
    def legend(self) -> tuple[str, ...]:
        """What each of the marks in this table means."""
        used = "".join(self.marks.values())
        return tuple(f"{mark} {meaning}" for mark, meaning in LEGEND.items() if mark in used)

    def cell(self, row: str, column: str) -> Cell:
        """The cell at (row, column), empty where nothing is known."""
        place = row, column
        found = self.ours.get(place, ()), self.paper.get(place), self.marks.get(place, "")
        return Cell(*found, self.failures.get(place, ()), self.missing.get(place, ()))

    @property
    def reasons(self) -> tuple[str, ...]:
        """Why trials failed, or lack a number: each reason once, with the trials of which it is told."""
        failed = [f"{names} failed: {reason}" for reason, names in _told(self.failures.values())]
        # A measure that a cell has in no trial, such as an attack's success without an attack, needs no excuse.
        known = [
            [lost for lost in cell if self.ours.get(place) or lost.reason == NOT_RUN]
            for place, cell in self.missing.items()
        ]
        return (*failed, *(f"{names} missing: {reason}" for reason, names in _told(known)))


def _told(cells: Iterable[Sequence[Failure]]) -> Iterator[tuple[str, str]]:
    """Each reason, and the trials of which it is told in words."""
    trials: dict[str, list[str]] = {}
    for failure in (failure for cell in cells for failure in cell):
        trials.setdefault(failure.reason, []).append(failure.trial)
    return ((reason, _few(names)) for reason, names in trials.items())


def _few(names: Sequence[str]) -> str:
    """Some names in words.

    >>> _few(["a", "b", "c", "d"])
    'a; b; and 2 more'
    """
    shown = names if len(names) <= 3 else [*names[:2], f"and {len(names) - 2} more"]
    return "; ".join(shown)
