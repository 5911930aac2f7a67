"""Ending a run before its rounds are over."""

from collections.abc import Callable, Iterator
from typing import Annotated, Literal, NamedTuple, TypeAlias

from pydantic import Field, PositiveInt

from fedprop.types import Frozen, Positive

EndedBy: TypeAlias = Literal["rounds", "max_seconds", "until", "watcher"]


class End(NamedTuple):
    """What ended a run: a setting or a watcher, and why in words (empty for the settings that every run has)."""

    by: EndedBy
    why: str = ""


class Until(Frozen):
    """A run ends after the first evaluation that fulfils one of these; at least one must be given.

    Attributes
    ----------
    accuracy : the test accuracy is at least this.
    loss : the test loss is at most this.
    patience : so many evaluations in a row have brought no better accuracy than the best before them.
    """

    accuracy: Annotated[float, Field(gt=0.0, le=1.0)] | None = None
    loss: Positive | None = None
    patience: PositiveInt | None = None

    def _checks(self) -> tuple[Callable[[], Iterator[str]], ...]:
        return (self._one_at_least,)

    def _one_at_least(self) -> Iterator[str]:
        if self.accuracy is None and self.loss is None and self.patience is None:
            yield "give `accuracy`, `loss` or `patience`; found none of them"

    def why(self, accuracy: float, loss: float, in_vain: int) -> str:
        """Why a run ends after an evaluation, `in_vain` such in a row having brought nothing better; empty if not."""
        if self.accuracy is not None and accuracy >= self.accuracy:
            return f"the test accuracy, {accuracy:.4f}, has reached {self.accuracy}"
        if self.loss is not None and loss <= self.loss:
            return f"the test loss, {loss:.4f}, has come down to {self.loss}"
        if self.patience is not None and in_vain >= self.patience:
            return f"no better test accuracy for {in_vain} evaluation{'s' if in_vain > 1 else ''}"
        return ""

    def outlasts(self, other: "Until") -> bool:
        """Whether a run until this never ends before one until the other."""
        at_least = self.accuracy is None or (other.accuracy is not None and self.accuracy >= other.accuracy)
        at_most = self.loss is None or (other.loss is not None and self.loss <= other.loss)
        as_patient = self.patience is None or (other.patience is not None and self.patience >= other.patience)
        return at_least and at_most and as_patient
