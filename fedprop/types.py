"""The vocabulary of shapes and units, shared by every module."""

from typing import Annotated, TypeAlias

from jaxtyping import Float
from pydantic import Field
from torch import Tensor

from fedprop.settings import Frozen as Frozen
from fedprop.settings import Kind as Kind

Updates: TypeAlias = Float[Tensor, "n d"]
"""One row per client: local parameters minus global parameters, flattened."""

Vector: TypeAlias = Float[Tensor, " d"]
"""One flattened model, update or aggregate."""

Weights: TypeAlias = Float[Tensor, " n"]
"""One number per row: the share of the aggregate that a rule gives it."""

Gram: TypeAlias = Float[Tensor, "n n"]
"""Inner products of all pairs of rows."""

ClientId: TypeAlias = int
Round: TypeAlias = int
Version: TypeAlias = int

Seconds: TypeAlias = float
"""Simulated seconds, unless a name says `wall`."""

Fraction: TypeAlias = Annotated[float, Field(ge=0.0, le=1.0)]
Positive: TypeAlias = Annotated[float, Field(gt=0.0, allow_inf_nan=False)]
NonNegative: TypeAlias = Annotated[float, Field(ge=0.0, allow_inf_nan=False)]
