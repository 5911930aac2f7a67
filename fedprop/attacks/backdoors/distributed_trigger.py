"""A mark in four parts, each known to some of the attackers."""

from typing import Literal, Self

from pydantic import PositiveInt
from torch import Tensor

from fedprop.attacks.backdoors.base import Trigger
from fedprop.errors import InvalidConfig

PARTS = 4
"""How many bars there are, two above two."""


class DistributedTrigger(Trigger):
    """The distributed backdoor attack: four bars of equal pixels in the upper left corner, in every channel.

    Each attacker marks its examples with one bar, the members of the attack with the first, second, third, fourth,
    first, and so on. Inputs with all four open the backdoor, which no client has ever trained on.

    Attributes
    ----------
    length : the pixels of a bar, side by side. The paper has 4 on MNIST and 6 on CIFAR-10.
    gap : the columns between the two bars of a row; in the paper 2 and 3.
    drop : the rows from the upper to the lower bars; in the paper 3 and 4.
    value : what the pixels hold.

    Source: Xie, Huang, Chen and Li, "DBA: Distributed Backdoor Attacks against Federated Learning", ICLR 2020; places
    of the bars as in the authors' code.

    >>> import torch
    >>> DistributedTrigger(length=1, gap=1, drop=2).stamped(torch.zeros(1, 1, 3, 3)).tolist()
    [[[[1.0, 0.0, 1.0], [0.0, 0.0, 0.0], [1.0, 0.0, 1.0]]]]
    """

    kind: Literal["distributed_trigger"] = "distributed_trigger"
    length: PositiveInt = 2
    gap: PositiveInt = 1
    drop: PositiveInt = 2
    value: float = 1.0

    @classmethod
    def examples(cls) -> tuple[Self, ...]:
        return (cls(), cls(length=1, poisoned=0.5))

    def stamped(self, x: Tensor, member: int | None = None) -> Tensor:
        """A copy of the images [n, ..., height, width] with a member's bar in each, or with all four.

        Raises
        ------
        InvalidConfig
            If the bars do not fit on the images.
        """
        height, width = self.drop + 1, 2 * self.length + self.gap
        if x.ndim < 3 or x.shape[-2] < height or x.shape[-1] < width:
            needed = f"images of {height} x {width} pixels or more"
            raise InvalidConfig(f"`data` must have {needed} for DistributedTrigger; found {list(x.shape[1:])}")
        x = x.clone()
        for part in range(PARTS) if member is None else (member % PARTS,):
            row, column = part // 2 * self.drop, part % 2 * (self.length + self.gap)
            x[..., row, column : column + self.length] = self.value
        return x
