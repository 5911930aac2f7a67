"""The numbers of a run against its rounds, from what was kept of them: nothing of one's own is run for that."""

from collections.abc import Iterator
from typing import TypeAlias

from fedprop.experiments.measures import kinds_of_numbers
from fedprop.report.run import RunView
from fedprop.simulation.events import RoundRecord
from fedprop.types import Round

Points: TypeAlias = list[tuple[Round, float]]


def series(run: RunView) -> dict[str, Points]:
    """The number of each round that has one, by the name of the number: what was measured, and what makes a curve."""
    found: dict[str, Points] = {}
    for record in run.rounds:
        for kind, value in _of_round(record, run):
            found.setdefault(_name(kind, run), []).append((record.round, value))
    return found


def _of_round(record: RoundRecord, run: RunView) -> Iterator[tuple[str, float]]:
    measured = {kind: reading.value for kind, reading in record.numbers.items()}
    # Where nobody is compromised, nobody is to be excluded, and there is nothing to draw.
    for kind, cls in kinds_of_numbers().items() if run.compromised else ():
        if cls.standing and cls.curve and kind not in measured:
            reading = cls.model_validate({"kind": kind}).read(record, run.compromised)
            measured[kind] = None if reading is None else reading.value
    yield from ((kind, value) for kind, value in measured.items() if value is not None)


def _name(kind: str, run: RunView) -> str:
    """What the run called it; a run that came to no end called it nothing yet."""
    known = kinds_of_numbers().get(kind)
    label = run.summary.get("numbers", {}).get(kind, {}).get("label")
    return str(label or (known and known.label) or kind)
