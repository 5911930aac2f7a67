"""Watermark verification: a stage that drops rows which unlearn what the server has all clients learn."""

from typing import Annotated, ClassVar, Literal

import torch
from pydantic import Field
from torch import Tensor

from fedprop.aggregators.cohort import Cohort
from fedprop.aggregators.columns import in_memory, take
from fedprop.aggregators.contract import Contract
from fedprop.aggregators.filtered import filtered, only
from fedprop.aggregators.stage import Stage, Staged
from fedprop.types import Weights

AT_ONCE = 4
"""Rows in memory at a time, of those that are not there already or are chosen among others."""


class Watermark(Stage):
    """Drop the rows x with loss(w) - loss(w + x) <= `lambda_`; by default those that raise the loss by 5 or more.

    w is the global model, and the loss the mean one of the server's own examples, in evaluation mode. In the protocol
    `heterofl` these are triggers of an extra class, which every client trains on, so that an honest row unlearns
    nothing of them. In a chain of its own they are what the server keeps of the training data (`root`): then it is a
    bound on what a row may cost, as Zeno's score is, and no watermark.

    A loss reduction that is no number is not enough. If no row is left, a single row of zeros stands for all, which
    have no weight then: the model stays as it is.

    It is the third step of HeteroFL. The paper does not say whether its loss is a sum over the triggers or a mean; here
    it is the mean, as in training, so that `lambda_` means the same for any number of them.

    Attributes
    ----------
    lambda_ : the loss reduction that a row must exceed, in nats.

    Raises
    ------
    ServerUnknown
        If the cohort comes without a server side that can tell losses.

    Source: Lu et al., "HeteroFL", 2024, Algorithm 5; -5 is what Figure 10 recommends.

    >>> from fedprop.aggregators import Mean, QuadraticSide
    >>> rows = torch.tensor([[1.0], [3.0], [-2.0]])
    >>> cohort = Cohort(rows, server=QuadraticSide(torch.tensor([2.0])))
    >>> (Watermark() >> Mean()).aggregate(cohort).value
    tensor([2.])
    """

    looks_at: ClassVar[str] = "the server's losses"
    cost: ClassVar[str] = "n losses"
    reads_columns: ClassVar[bool] = True

    kind: Literal["watermark"] = "watermark"
    lambda_: Annotated[float, Field(allow_inf_nan=False)] = -5.0

    @classmethod
    def examples(cls) -> tuple["Watermark", ...]:
        return cls(), cls(lambda_=0.0)

    @property
    def asks(self) -> frozenset[str]:
        return frozenset({"losses"})

    def apply(self, cohort: Cohort, state: None) -> Staged:
        found = loss_reductions(cohort)
        staged = filtered(cohort, found > self.lambda_)
        return (staged if len(staged.updates) else nobody(cohort))._replace(measured=found)

    def carry(self, contract: Contract) -> Contract:
        """The order of rows does not matter; that nobody may be left leaves no room for more."""
        return contract.keeping("permutation", "linear", examples=contract.ignoring)


def loss_reductions(cohort: Cohort) -> Weights:
    """By how much each row [n] lowers the loss on the server's examples, in float64."""
    rows, server = cohort.updates, cohort.server_side
    before = server.losses(torch.zeros(1, rows.shape[1], dtype=rows.dtype, device=rows.device))
    after = [server.losses(in_memory(take(rows, some))) for some in torch.split(torch.arange(len(rows)), AT_ONCE)]
    return before.double() - torch.cat(after).double()


def nobody(cohort: Cohort) -> Staged:
    """A row of zeros in the first sender's name."""
    rows: Tensor = torch.zeros(1, cohort.updates.shape[1], dtype=cohort.updates.dtype, device=cohort.updates.device)
    mixing = torch.zeros(1, len(cohort.updates), dtype=torch.float64, device=rows.device)
    return Staged(only(cohort, [0]).with_updates(rows), mixing)
