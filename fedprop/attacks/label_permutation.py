"""Data poisoning: every class is called by another one's name."""

from typing import ClassVar, Literal, Self

import torch
from pydantic import NonNegativeInt, field_validator
from torch import Tensor

from fedprop.attacks.base import Attack
from fedprop.errors import InvalidConfig


class LabelPermutation(Attack):
    """Labels are exchanged by a permutation, the same one for all compromised clients.

    Compromised clients then train and report as honest ones do. A backdoor without a trigger, "all-to-all", is the
    permutation that calls each class by the name of the next.

    Attributes
    ----------
    labels : the permutation, the new label of each class in order; None for the next label, (l + 1) mod L of L classes.

    Source: Shi et al. 2022, section II-B ("via a permutation function"); the next label: Gu, Dolan-Gavitt and Garg,
    "BadNets" (2017), all-to-all attack.

    >>> y = torch.tensor([0, 1, 2, 2])
    >>> LabelPermutation().poison(torch.zeros(4, 2), y, 3, torch.Generator())[1]
    tensor([1, 2, 0, 0])
    """

    needs_classes: ClassVar[bool] = True

    kind: Literal["label_permutation"] = "label_permutation"
    labels: tuple[NonNegativeInt, ...] | None = None

    @classmethod
    def examples(cls) -> tuple[Self, ...]:
        return (cls(), cls(labels=(1, 0, 3, 2, 5, 4, 7, 6, 9, 8)))

    @field_validator("labels")
    @classmethod
    def _is_a_permutation(cls, labels: tuple[int, ...] | None) -> tuple[int, ...] | None:
        if labels is not None and (sorted(labels) != list(range(len(labels))) or sorted(labels) == list(labels)):
            found = list(labels)
            raise InvalidConfig(f"`labels` must be 0 ... L - 1 in another order for LabelPermutation; found {found}")
        return labels

    def poison(self, x: Tensor, y: Tensor, classes: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        """The same inputs x [n, ...] with other labels [n].

        Raises
        ------
        InvalidConfig
            If `labels` are not as many as there are classes.
        """
        if self.labels is None:
            return x, (y + 1) % classes
        if len(self.labels) != classes:
            found = len(self.labels)
            raise InvalidConfig(f"`labels` must name {classes} classes for LabelPermutation; found {found}")
        return x, torch.tensor(self.labels, device=y.device)[y]
