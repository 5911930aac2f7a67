"""The inputs that properties are tried on."""

from dataclasses import dataclass

import torch

from fedprop.types import Updates, Vector


@dataclass(frozen=True, eq=False)
class Case:
    """One set of rows for a rule.

    Attributes
    ----------
    rows : Tensor, shape [n, d], float32, finite.
    honest : for each row, whether an honest client sent it.
    f : the number of Byzantine rows.
    seed : what the transformations that a property tries (an order, a shift, a rotation) are drawn from.
    examples : the number of examples that each sender claims; empty if nobody was asked.
    dtypes : those that the rule takes rows in, the narrowest first.
    known : where `answer_of` keeps what the one rule that the case is for answered, by the examples that were claimed;
        None if it is for any rule.
    """

    rows: Updates
    honest: tuple[bool, ...]
    f: int
    seed: int = 0
    examples: tuple[int, ...] = ()
    dtypes: tuple[torch.dtype, ...] = (torch.float32, torch.float64)
    known: dict[tuple[int, ...], Vector] | None = None

    @property
    def narrow(self) -> Updates:
        """The rows in the narrowest dtype that the rule takes."""
        return self.rows.to(self.dtypes[0])

    @property
    def wide(self) -> Updates:
        """The rows in the widest dtype that the rule takes: what it makes of them is the least affected by rounding."""
        return self.rows.to(self.dtypes[-1])

    @property
    def byzantine(self) -> list[int]:
        """The positions of the Byzantine rows."""
        return [i for i, good in enumerate(self.honest) if not good]

    def __repr__(self) -> str:
        return f"Case(rows={self.rows.tolist()}, byzantine={self.byzantine}, seed={self.seed})"
