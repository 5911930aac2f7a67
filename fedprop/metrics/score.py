"""How good the global model is on the test set, in the numbers that every run has."""

import math
from collections.abc import Collection
from typing import ClassVar, Literal

from fedprop.metrics.base import Number, Recorded
from fedprop.metrics.reading import Reading
from fedprop.types import ClientId


class TestAccuracy(Number):
    """The share of test examples that the global model answers rightly."""

    __test__: ClassVar[bool] = False
    label: ClassVar[str] = "test accuracy"
    standing: ClassVar[bool] = True

    kind: Literal["test_accuracy"] = "test_accuracy"

    def read(self, record: Recorded, compromised: Collection[ClientId]) -> Reading | None:
        return None if record.accuracy is None else Reading(record.accuracy)


class TestError(Number):
    """1 - test accuracy."""

    __test__: ClassVar[bool] = False
    label: ClassVar[str] = "test error"
    standing: ClassVar[bool] = True

    kind: Literal["test_error"] = "test_error"

    def read(self, record: Recorded, compromised: Collection[ClientId]) -> Reading | None:
        return None if record.accuracy is None else Reading(1.0 - record.accuracy)


class TestLoss(Number):
    """The mean loss of the global model on the test set."""

    __test__: ClassVar[bool] = False
    label: ClassVar[str] = "test loss"
    standing: ClassVar[bool] = True

    kind: Literal["test_loss"] = "test_loss"

    def read(self, record: Recorded, compromised: Collection[ClientId]) -> Reading | None:
        if record.loss is None:
            return None
        return Reading(record.loss) if math.isfinite(record.loss) else Reading(why=f"it is {record.loss}")


class BestAccuracy(Number):
    """The largest test accuracy of a round that did not fail."""

    label: ClassVar[str] = "best test accuracy"
    standing: ClassVar[bool] = True

    kind: Literal["best_accuracy"] = "best_accuracy"

    def read(self, record: Recorded, compromised: Collection[ClientId]) -> Reading | None:
        return None if record.accuracy is None or record.failure else Reading(record.accuracy)

    def then(self, earlier: Reading, later: Reading) -> Reading:
        return max(earlier, later, key=lambda reading: reading.value or 0.0)
