"""The rule that an attacker believes the server to use."""

from dataclasses import dataclass

from fedprop.aggregators.base import Aggregator
from fedprop.aggregators.defense import AGGREGATORS
from fedprop.types import Updates, Vector, Weights


@dataclass(frozen=True)
class AssumedRule:
    """The rule of a kind, or without a kind the server's own `defense`, as a function of the rows and f.

    Where there are too few rows for the tolerance asked for, the rule gets the largest they allow.
    """

    kind: str | None
    defense: Aggregator

    def __call__(self, updates: Updates, f: int) -> tuple[Vector, Weights]:
        while f > 0 and self.tolerating(f).min_rows > len(updates):
            f -= 1
        return self.tolerating(f).aggregate(updates)[:2]

    def tolerating(self, f: int) -> Aggregator:
        """The rule set to tolerate f rows, if that can be set."""
        if self.kind is None:
            return self.defense
        cls = AGGREGATORS.kinds[self.kind]
        return cls.model_validate({"f": f} if "f" in cls.model_fields else {})
