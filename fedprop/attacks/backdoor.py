"""Data poisoning: a backdoor in the training data, honest training."""

from typing import ClassVar, Literal, Self

from torch import Generator, Tensor

from fedprop.attacks.backdoors import BACKDOORS, AnyBackdoor, PixelTrigger
from fedprop.attacks.base import Attack
from fedprop.attacks.labels import check_label


class BackdoorData(Attack):
    """Compromised clients hold data with a backdoor in them, and train and report as honest ones do.

    This is the weakest way to bring a backdoor to the model; `ModelReplacement` and its like train and send otherwise.

    Attributes
    ----------
    backdoor : what opens it, which label is wanted, and how it is planted.

    Source: Gu, Dolan-Gavitt and Garg, "BadNets" (2017); Xie et al., ICLR 2020 (DBA), with a distributed trigger; Wang
    et al., NeurIPS 2020, "black box", with edge cases; Shi et al. 2022, section II-B.
    """

    needs_classes: ClassVar[bool] = True

    kind: Literal["backdoor"] = "backdoor"
    backdoor: AnyBackdoor = PixelTrigger()

    @classmethod
    def examples(cls) -> tuple[Self, ...]:
        return tuple(cls(backdoor=backdoor) for backdoor in reversed(BACKDOORS.examples()))

    def poison(self, x: Tensor, y: Tensor, classes: int, generator: Generator) -> tuple[Tensor, Tensor]:
        """What the first of the clients trains on. Raises as `poison_member` does."""
        return self.poison_member(0, x, y, classes, generator)

    def poison_member(
        self, member: int, x: Tensor, y: Tensor, classes: int, generator: Generator
    ) -> tuple[Tensor, Tensor]:
        """The examples x [n, ...] and y [n] with the backdoor in them.

        Raises
        ------
        InvalidConfig
            If there is no such label, or the backdoor does not fit on the inputs.
        """
        check_label("label", self.backdoor.label, classes)
        return self.backdoor.plant(x, y, generator, member)

    def aims(self, x: Tensor, y: Tensor, classes: int, generator: Generator) -> tuple[Tensor, Tensor]:
        """The test inputs that open the backdoor, and the label wanted for them. Raises as the backdoor's `aims`."""
        return self.backdoor.aims(x, y, classes)
