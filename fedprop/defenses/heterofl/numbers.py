"""How many updates each of HeteroFL's steps drops."""

from collections import Counter
from collections.abc import Collection
from typing import ClassVar, Literal

from fedprop.defenses.heterofl.walk import KEPT
from fedprop.metrics.base import Number, Recorded
from fedprop.metrics.reading import Reading
from fedprop.types import ClientId


class UpdatesDropped(Number):
    """How many clients' updates are dropped in a round, the mean over all rounds that did not fail.

    Its parts are those of each step, by its place among the steps, from 1 on.
    """

    label: ClassVar[str] = "updates dropped in a round"
    parts_of: ClassVar[str] = "step"
    of_model: ClassVar[bool] = False

    kind: Literal["updates_dropped"] = "updates_dropped"

    def read(self, record: Recorded, compromised: Collection[ClientId]) -> Reading | None:
        if record.ruling is None:
            return None
        found = Counter(record.ruling.verdicts.values())
        steps = enumerate(record.ruling.measured, start=1)
        return Reading(float(found.total() - found[KEPT]), {place: float(found[name]) for place, name in steps})

    def then(self, earlier: Reading, later: Reading) -> Reading:
        """The means over the rounds of both."""
        cases = earlier.cases + later.cases

        def mean(first: float | None, second: float | None) -> float:
            return ((first or 0.0) * earlier.cases + (second or 0.0) * later.cases) / cases

        parts: dict[int, float | None] = {k: mean(earlier.parts.get(k), part) for k, part in later.parts.items()}
        return Reading(mean(earlier.value, later.value), parts, cases=cases)

    def show(self, reading: Reading) -> str:
        """All of them, of each step how many."""
        if reading.value is None:
            return super().show(reading)
        parts = ", ".join(f"{part:.2f} in step {place}" for place, part in reading.parts.items())
        return f"{reading.value:.2f}" + (f" ({parts})" if parts else "")
