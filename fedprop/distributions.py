"""Positive random quantities (seconds, speeds, rates), each given by its quantile function.

A draw is `quantile(u)` of one counter-based uniform number, so it can be repeated, and moved to another client or time,
without a generator's state.
"""

import math
from abc import ABC, abstractmethod
from statistics import NormalDist
from typing import Annotated, Any, Literal, Self, TypeAlias

from pydantic import Field, GetJsonSchemaHandler
from pydantic.json_schema import JsonSchemaValue

from fedprop.errors import RunFailed
from fedprop.failures import in_words
from fedprop.registry import Registry
from fedprop.rng import uniform
from fedprop.types import Kind, NonNegative, Positive

_NORMAL = NormalDist()


class Distribution(Kind, ABC):
    """A distribution on the non-negative numbers. One of your own overrides `quantile`."""

    @abstractmethod
    def quantile(self, u: float) -> float:
        """The value below which a share `u` of the draws lie, for 0 < u < 1."""

    def draw(self, seed: int, role: str, *counters: int) -> float:
        """The draw that a stream's name stands for (see `fedprop.rng`). Raises as `checked`."""
        return self.checked(uniform(seed, role, *counters))

    def checked(self, u: float) -> float:
        """The quantile, looked at, for the distribution may be one of the user's own.

        Raises
        ------
        RunFailed
            If it is no number from 0 on.
        """
        try:
            found = self.quantile(u)
            fits = 0.0 <= found < math.inf
        except Exception as error:
            raise RunFailed(f"distribution {self.kind} failed in `quantile`: {in_words(error)}") from error
        if not fits:
            name = f"distribution {self.kind} failed in `quantile`"
            raise RunFailed(f"{name}: it must answer with a finite number from 0 on; found {found}")
        return found


class Constant(Distribution):
    """Always `value`.

    Attributes
    ----------
    value : what every draw is.
    """

    kind: Literal["constant"] = "constant"
    value: NonNegative

    @classmethod
    def examples(cls) -> tuple[Self, ...]:
        return (cls(value=2.0), cls(value=0.0))

    def quantile(self, u: float) -> float:
        return self.value

    def draw(self, seed: int, role: str, *counters: int) -> float:
        return self.value


class Exponential(Distribution):
    """Exponential with the given mean.

    Attributes
    ----------
    mean : of the draws.
    """

    kind: Literal["exponential"] = "exponential"
    mean: Positive

    @classmethod
    def examples(cls) -> tuple[Self, ...]:
        return (cls(mean=2.0),)

    def quantile(self, u: float) -> float:
        return -self.mean * math.log1p(-u)


class LogNormal(Distribution):
    """Log-normal: half of the draws lie below `median`; `sigma`, at most 50, is the deviation of the logarithm.

    Attributes
    ----------
    median : what half of the draws lie below.
    sigma : the standard deviation of their logarithm, at most 50.
    """

    kind: Literal["lognormal"] = "lognormal"
    median: Positive
    sigma: Annotated[float, Field(ge=0.0, le=50.0)]

    @classmethod
    def examples(cls) -> tuple[Self, ...]:
        return (cls(median=2.0, sigma=0.5), cls(median=2.0, sigma=0.0))

    def quantile(self, u: float) -> float:
        return self.median * math.exp(self.sigma * _NORMAL.inv_cdf(u))


class Pareto(Distribution):
    """Pareto: no draw lies below `minimum`; the smaller `alpha`, the heavier the tail (infinite mean from 1 down).

    Attributes
    ----------
    minimum : what no draw lies below.
    alpha : how fast the tail falls; from 1 down the mean is infinite.
    """

    kind: Literal["pareto"] = "pareto"
    minimum: Positive
    alpha: Annotated[float, Field(ge=0.1, allow_inf_nan=False)]

    @classmethod
    def examples(cls) -> tuple[Self, ...]:
        return (cls(minimum=1.0, alpha=3.0), cls(minimum=1.0, alpha=0.5))

    def quantile(self, u: float) -> float:
        return self.minimum * math.pow(1.0 - u, -1.0 / self.alpha)


class _Distributions(Registry[Distribution]):
    """Reads a bare number as a constant."""

    def parse(self, value: Any) -> Distribution:
        number = isinstance(value, int | float) and not isinstance(value, bool)
        return super().parse({"kind": "constant", "value": value} if number else value)

    def json_schema(self, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        return {"anyOf": [{"type": "number", "minimum": 0}, *super().json_schema(handler)["anyOf"]]}


DISTRIBUTIONS = _Distributions("distributions", Distribution, (Constant, Exponential, LogNormal, Pareto))
"""Every distribution by its `kind`."""

AnyDistribution: TypeAlias = Annotated[Distribution, DISTRIBUTIONS]
"""One of them; in a file a bare number stands for a constant."""
