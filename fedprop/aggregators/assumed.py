"""The rule that an attacker believes the server to use."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import torch
from pydantic import ValidationError

from fedprop.aggregators.base import Aggregator
from fedprop.aggregators.choice import AGGREGATORS
from fedprop.aggregators.classifier import Logits
from fedprop.aggregators.cohort import Cohort
from fedprop.aggregators.server_side import QuadraticSide, ServerSide
from fedprop.errors import InvalidConfig
from fedprop.settings import meant
from fedprop.types import Updates, Vector, Weights


@dataclass(frozen=True)
class AssumedRule:
    """The rule of a kind, or without a kind the server's own `defense`, as a function of the rows and f.

    Where there are too few rows for the tolerance asked for, the rule gets the largest they allow. What the rule asks a
    server, which no attacker can know, the attacker's own data answer instead, by what its clients learnt from them:
    the mean of their honest updates is the reference, and the loss grows with the squared distance from it
    (`QuadraticSide`). A server whose examples are those that all clients were handed holds no secret: then these
    answer. The global model is the one that was sent out; as a classifier it is made up (`Logits`).

    Attributes
    ----------
    kind : None for the server's own rule.
    defense : the server's own rule.
    told : what stands in for what the server knows.

    Raises
    ------
    InvalidConfig
        If there is no rule of the kind that could be asked so.
    """

    kind: str | None
    defense: Aggregator
    told: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.kind is None:
            return
        if self.kind not in AGGREGATORS.kinds:
            known = ", ".join(AGGREGATORS.kinds)
            found = f"{self.kind!r}{meant(self.kind, AGGREGATORS.kinds)}"
            raise InvalidConfig(f"`assumes` must name a rule; found {found} (rules: {known})")
        try:
            self.tolerating(1)
        except ValidationError as error:
            raise InvalidConfig(
                f"`assumes` must be a rule that f alone decides; found {self.kind!r}, which also needs "
                f"{', '.join(str(problem['loc'][0]) for problem in error.errors())}"
            ) from None

    def __call__(self, updates: Updates, f: int) -> tuple[Vector, Weights]:
        while f > 0 and self.tolerating(f).min_rows > len(updates):
            f -= 1
        return self.tolerating(f).aggregate(Cohort(updates).changed(**self.told))[:2]

    def knowing(self, own: Updates, model: Vector, server: ServerSide | None = None) -> "AssumedRule":
        """The rule as attackers imagine it who hold these honest updates of their own [k, d] and know the model [d].

        `server` is what all clients can find out about the server's examples, where they hold them, too.
        """
        draw = torch.Generator().manual_seed(0)
        told = {"model": model, "round": 0, "generator": draw, "classifier": Logits(model)}
        return replace(self, told={"server": server or QuadraticSide(own.mean(dim=0)), "told": told})

    def tolerating(self, f: int) -> Aggregator:
        """The rule set to tolerate f rows, if that can be set."""
        if self.kind is None:
            return self.defense
        cls = AGGREGATORS.kinds[self.kind]
        return cls.model_validate({"f": f} if "f" in cls.model_fields else {})
