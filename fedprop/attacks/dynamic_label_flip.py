"""Wrong labels that follow the model: in each round those that it finds least likely."""

from typing import ClassVar, Literal, Self

from fedprop.attacks.own_training import TrainingApart
from fedprop.attacks.view import View
from fedprop.types import Vector


class DynamicLabelFlip(TrainingApart):
    """The dynamic label-flipping attack: each example gets the label that the received model finds least likely.

    Compromised clients train the model that they received on their own inputs with these labels, chosen anew for each
    task, and send what they have learnt, as it is. Of equally unlikely labels the first is taken. The right label is
    not left out: a model that knows nothing yet may find it the least likely one, and that example is then learnt as it
    should be.

    Peng et al. ask the received model, as here; Shejwalkar et al. ask one that the attacker has trained on clean data.

    Source: Shejwalkar, Houmansadr, Kairouz and Ramage, "Back to the Drawing Board: A Critical Evaluation of Poisoning
    Attacks on Production Federated Learning", IEEE S&P 2022, dynamic label flip (reconstructed); Peng, Li and Ling,
    "Mean Aggregator is More Robust than Robust Aggregators under Label Poisoning Attacks on Distributed Heterogeneous
    Data", 2024, dynamic label flipping, and its code.
    """

    needs_classes: ClassVar[bool] = True

    kind: Literal["dynamic_label_flip"] = "dynamic_label_flip"

    @classmethod
    def examples(cls) -> tuple[Self, ...]:
        return (cls(epochs=1),)

    def model(self, view: View, row: int) -> Vector:
        """The received model, trained on the client's own inputs with other labels."""
        x, _ = view.tools.data(row)
        return self.learnt(view, x, view.tools.outputs(view.origin, x).argmin(dim=1))
