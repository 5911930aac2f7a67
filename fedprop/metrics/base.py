"""What a number is: one object that has a name and a label, and knows how it is read and how it is printed.

Whatever shows numbers loops over them: records, summary, command line, report, the tables and curves of a sweep. So a
number of one's own is seen wherever accuracy is.
"""

from abc import ABC, abstractmethod
from collections.abc import Collection, Mapping, Sequence
from typing import Any, ClassVar, Protocol

from jaxtyping import Int
from torch import Tensor

from fedprop.metrics.exam import Exam
from fedprop.metrics.reading import Reading
from fedprop.types import ClientId, Kind


class Recorded(Protocol):
    """What a number may read of a round that has closed; see `fedprop.simulation.events.RoundRecord`."""

    @property
    def accuracy(self) -> float | None: ...
    @property
    def loss(self) -> float | None: ...
    @property
    def failure(self) -> str: ...
    @property
    def numbers(self) -> Mapping[str, Reading]: ...
    @property
    def weights(self) -> Mapping[ClientId, float]: ...
    @property
    def heard(self) -> Collection[ClientId]: ...
    @property
    def epsilon(self) -> Mapping[ClientId, float]: ...
    @property
    def findings(self) -> Sequence[Any]: ...
    @property
    def ruling(self) -> Any: ...


class Number(Kind, ABC):
    """A number by name.

    Most are measured of the global model: see `Metric`. Some tell how the data were dealt: see `OfData`. Others follow
    from what the record of a round holds anyway: these override `read`.

        class Failed(Number):
            label: ClassVar[str] = "share of rounds that failed"
            standing: ClassVar[bool] = True

            kind: Literal["failed"] = "failed"

            def read(self, record, compromised):
                return Reading(float(bool(record.failure)))

            def then(self, earlier, later):
                return pooled(earlier, later)

    Attributes
    ----------
    label : how a table names it; empty for its kind.
    parts_of : what the parts are of, in one word; empty where there are none.
    standing : whether it is told of every run that has it; else it must be among the experiment's `metrics`.
    of_model : whether it tells how good the model is, so that a run whose rounds all failed has none.
    curve : whether a report draws it against rounds; such a number lies in [0, 1].
    parts_curve : whether a report draws its parts against rounds, a line for each; these lie in [0, 1].
    card : whether a report shows it in large print.
    needs_classes : whether it means nothing unless examples belong to classes.
    """

    label: ClassVar[str] = ""
    parts_of: ClassVar[str] = ""
    standing: ClassVar[bool] = False
    of_model: ClassVar[bool] = True
    curve: ClassVar[bool] = False
    parts_curve: ClassVar[bool] = False
    card: ClassVar[bool] = False
    needs_classes: ClassVar[bool] = False

    @property
    def name(self) -> str:
        """How a table names it."""
        return self.label or self.kind

    @property
    def of_last(self) -> bool:
        """Whether the number of a run is that of the last round that has one."""
        return type(self).then is Number.then

    def read(self, record: Recorded, compromised: Collection[ClientId]) -> Reading | None:
        """The number of one round, given which clients an adversary holds; None in a round that has none."""
        return record.numbers.get(self.kind)

    def then(self, earlier: Reading, later: Reading) -> Reading:
        """The number of some rounds and one more, given that of those rounds and that of the one."""
        return later

    def show(self, reading: Reading) -> str:
        """The number as a person reads it."""
        if reading.value is None:
            return f"– ({reading.why})"
        known = {key: part for key, part in reading.parts.items() if part is not None}
        if not known:
            return f"{reading.value:.4f}"
        worst = min(known, key=lambda key: known[key])
        return f"{reading.value:.4f}, lowest {known[worst]:.4f} ({self.parts_of} {worst})"


class Metric(Number):
    """A number that is measured of the global model in every evaluation, and kept in the round's record.

    One of your own names itself and computes:

        class TopTwo(Metric):
            label: ClassVar[str] = "top-2 accuracy"

            kind: Literal["top_two"] = "top_two"

            def measure(self, exam):
                best = exam.outputs.topk(2).indices
                return Reading(float((best == exam.labels[:, None]).any(dim=1).float().mean()))
    """

    def applies(self, exam: Exam) -> bool:
        """Whether there is anything to measure."""
        return True

    @abstractmethod
    def measure(self, exam: Exam) -> Reading:
        """The number, from what a model answered."""


class OfData(Number):
    """A number that tells how the examples were dealt to the clients; it stands before the first round.

    One of your own counts:

        class Rarest(OfData):
            label: ClassVar[str] = "clients that hold the rarest class"
            standing: ClassVar[bool] = True

            kind: Literal["rarest"] = "rarest"

            def of(self, counts):
                return Reading(int((counts > 0).sum(dim=0).min()))
    """

    of_model: ClassVar[bool] = False
    needs_classes: ClassVar[bool] = True

    @abstractmethod
    def of(self, counts: Int[Tensor, "clients classes"]) -> Reading:
        """The number, from how many examples of each class each client was dealt."""
