"""How much an update counts that started from an older version."""

from abc import ABC, abstractmethod
from collections.abc import Iterable
from typing import Annotated, Literal, TypeAlias

from fedprop.errors import WrongAnswer
from fedprop.registry import Registry
from fedprop.settings import shown
from fedprop.types import Kind, NonNegative, Positive


class Staleness(Kind, ABC):
    """A weight in (0, 1] for every number of versions `tau` between an update's start and now; 1 at tau = 0.

    One of your own overrides `weight`.
    """

    @abstractmethod
    def weight(self, tau: int) -> float:
        """The weight of an update that is `tau` versions old."""

    def weights(self, taus: Iterable[int]) -> list[float]:
        """The weights of some updates.

        Raises
        ------
        WrongAnswer
            If one does not lie in [0, 1].
        """
        stale = list(taus)
        found = {tau: self.weight(tau) for tau in set(stale)}
        for weight in found.values():
            if not isinstance(weight, float | int) or not 0.0 <= weight <= 1.0:
                name = f"the staleness {type(self).__name__}"
                raise WrongAnswer(f"{name} must answer with a weight from 0 to 1; found {shown(weight)}")
        return [found[tau] for tau in stale]


class ConstantStaleness(Staleness):
    """Every update counts fully."""

    kind: Literal["constant"] = "constant"

    def weight(self, tau: int) -> float:
        return 1.0


class PolynomialStaleness(Staleness):
    """(1 + tau)^-a; a = 1/2 is FedBuff's choice.

    Attributes
    ----------
    a : the exponent.

    Source: Xie et al. 2019 (FedAsync), section 5.2; Nguyen et al. 2022 (FedBuff).
    """

    kind: Literal["polynomial"] = "polynomial"
    a: NonNegative = 0.5

    def weight(self, tau: int) -> float:
        return float((1.0 + tau) ** -self.a)


class HingeStaleness(Staleness):
    """1 up to `b` versions, then 1 / (a (tau - b) + 1).

    Attributes
    ----------
    a : how fast the weight falls after `b` versions.
    b : up to how many versions an update counts fully.

    Source: Xie et al. 2019 (FedAsync), section 5.2.
    """

    kind: Literal["hinge"] = "hinge"
    a: Positive = 10.0
    b: NonNegative = 4.0

    def weight(self, tau: int) -> float:
        return 1.0 if tau <= self.b else 1.0 / (self.a * (tau - self.b) + 1.0)


STALENESSES: Registry[Staleness] = Registry(
    "stalenesses", Staleness, (ConstantStaleness, PolynomialStaleness, HingeStaleness)
)
"""Every way to discount old updates, by its `kind`."""

AnyStaleness: TypeAlias = Annotated[Staleness, STALENESSES]
