"""What the privacy of the clients has cost."""

from collections.abc import Collection
from typing import ClassVar, Literal

from fedprop.metrics.base import Number, Recorded
from fedprop.metrics.reading import Reading
from fedprop.types import ClientId


class Epsilon(Number):
    """The largest epsilon that any client has spent since the run began; none without differential privacy."""

    label: ClassVar[str] = "epsilon spent"
    standing: ClassVar[bool] = True
    of_model: ClassVar[bool] = False

    kind: Literal["epsilon"] = "epsilon"

    def read(self, record: Recorded, compromised: Collection[ClientId]) -> Reading | None:
        return Reading(max(record.epsilon.values())) if record.epsilon else None

    def then(self, earlier: Reading, later: Reading) -> Reading:
        return max(earlier, later, key=lambda reading: reading.value or 0.0)
