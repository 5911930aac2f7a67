"""Data poisoning: some classes are called by the name of certain others."""

from typing import Annotated, ClassVar, Literal, Self, TypeAlias

import torch
from pydantic import Field, NonNegativeInt, field_validator
from torch import Tensor

from fedprop.attacks.base import Attack
from fedprop.attacks.labels import check_label
from fedprop.errors import InvalidConfig

Pairs: TypeAlias = tuple[tuple[NonNegativeInt, NonNegativeInt], ...]


class LabelPairs(Attack):
    """Labels of some source classes become those of their targets; all other examples stay as they are.

    Compromised clients then train and report as honest ones do. The pairs are followed at once: an example gets another
    label once at most. The attack aims at the test inputs of the source classes; FedSecurity flips these clients' own
    test labels as well, for which the success rate stands here.

    Attributes
    ----------
    pairs : source and target labels. Those of FedSecurity's experiments are 3 to 9 and 2 to 1.

    Raises
    ------
    pydantic.ValidationError
        If a source is named twice, or is its own target.

    Source: Han et al. 2024, section 5 (CIFAR-10: 3 to 9 and 2 to 1); one pair: Tolpegin, Truex, Gursoy and Liu, "Data
    Poisoning Attacks Against Federated Learning Systems", ESORICS 2020.

    >>> y = torch.tensor([1, 2, 3, 9])
    >>> LabelPairs(pairs=((3, 9), (2, 1))).poison(torch.zeros(4, 2), y, 10, torch.Generator())[1]
    tensor([1, 1, 9, 9])
    """

    needs_classes: ClassVar[bool] = True

    kind: Literal["label_pairs"] = "label_pairs"
    pairs: Annotated[Pairs, Field(min_length=1)] = ((0, 1),)

    @classmethod
    def examples(cls) -> tuple[Self, ...]:
        return (cls(), cls(pairs=((3, 9), (2, 1))))

    @field_validator("pairs")
    @classmethod
    def _sources_are_apart(cls, pairs: Pairs) -> Pairs:
        if len({source for source, _ in pairs}) < len(pairs) or any(source == target for source, target in pairs):
            raise InvalidConfig(f"`pairs` must lead from different labels to others for LabelPairs; found {pairs}")
        return pairs

    def poison(self, x: Tensor, y: Tensor, classes: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        """The same inputs x [n, ...] with labels [n] of which some are others. Raises as `aims` does."""
        return x, self._targets(y, classes)[y]

    def aims(self, x: Tensor, y: Tensor, classes: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        """All test inputs of the source classes, and the labels wanted for them.

        Raises
        ------
        InvalidConfig
            If a label is none of the classes, or no test input is of a source class.
        """
        wanted = self._targets(y, classes)[y]
        chosen = wanted != y
        if not bool(chosen.any()):
            raise InvalidConfig(
                f"`pairs` must start at the label of some test input for LabelPairs; found {self.pairs}"
            )
        return x[chosen], wanted[chosen]

    def _targets(self, y: Tensor, classes: int) -> Tensor:
        """What each of the classes is called from now on."""
        targets = torch.arange(classes, device=y.device)
        for pair in self.pairs:
            for label in pair:
                check_label("pairs", label, classes)
            targets[pair[0]] = pair[1]
        return targets
