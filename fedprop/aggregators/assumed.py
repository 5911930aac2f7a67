"""The rule that an attacker believes the server to use."""

from dataclasses import dataclass

from pydantic import ValidationError

from fedprop.aggregators.base import Aggregator
from fedprop.aggregators.catalogue import AGGREGATORS
from fedprop.errors import InvalidConfig
from fedprop.settings import meant
from fedprop.types import Updates, Vector, Weights


@dataclass(frozen=True)
class AssumedRule:
    """The rule of a kind, or without a kind the server's own `defense`, as a function of the rows and f.

    Where there are too few rows for the tolerance asked for, the rule gets the largest they allow. A rule that needs
    the server's own examples cannot be asked: no attacker has them.

    Raises
    ------
    InvalidConfig
        If there is no rule of the kind that could be asked so.
    """

    kind: str | None
    defense: Aggregator

    def __post_init__(self) -> None:
        if self.kind is None:
            return
        if self.kind not in AGGREGATORS.kinds:
            known = ", ".join(AGGREGATORS.kinds)
            found = f"{self.kind!r}{meant(self.kind, AGGREGATORS.kinds)}"
            raise InvalidConfig(f"`assumes` must be one of {known}; found {found}")
        try:
            needs_root = self.tolerating(1).needs_root
        except ValidationError as error:
            raise InvalidConfig(
                f"`assumes` must be a rule that f alone decides; found {self.kind!r}, which also needs "
                f"{', '.join(str(problem['loc'][0]) for problem in error.errors())}"
            ) from None
        if needs_root:
            raise InvalidConfig(f"`assumes` must be a rule without need of root data; found {self.kind!r}")

    def __call__(self, updates: Updates, f: int) -> tuple[Vector, Weights]:
        if self.kind is None and self.defense.needs_root:
            raise InvalidConfig(
                f"the rule that an attack asks must do without the server's own examples, which no attacker has; "
                f"found {type(self.defense).__name__}"
            )
        while f > 0 and self.tolerating(f).min_rows > len(updates):
            f -= 1
        return self.tolerating(f).aggregate(updates)[:2]

    def tolerating(self, f: int) -> Aggregator:
        """The rule set to tolerate f rows, if that can be set."""
        if self.kind is None:
            return self.defense
        cls = AGGREGATORS.kinds[self.kind]
        return cls.model_validate({"f": f} if "f" in cls.model_fields else {})
