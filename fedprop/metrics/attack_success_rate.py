"""How often a targeted attack gets the answer that it wants."""

from typing import ClassVar, Literal

from fedprop.metrics.base import Metric
from fedprop.metrics.exam import Exam
from fedprop.metrics.reading import Reading


class AttackSuccessRate(Metric):
    """The share of the inputs that attacks aim at which the global model answers with the label wanted.

    Its parts are the shares of each attack's own inputs, by its place among the attacks of the run.

    Source: Bagdasaryan et al., "How To Backdoor Federated Learning", AISTATS 2020, section 4 (accuracy on the backdoor
    task), as the field names it since.
    """

    label: ClassVar[str] = "attack success rate"
    parts_of: ClassVar[str] = "attack"
    standing: ClassVar[bool] = True
    curve: ClassVar[bool] = True
    card: ClassVar[bool] = True

    kind: Literal["attack_success_rate"] = "attack_success_rate"

    def applies(self, exam: Exam) -> bool:
        return bool(exam.aims)

    def measure(self, exam: Exam) -> Reading:
        right = {place: aimed.outputs.argmax(dim=1) == aimed.wanted for place, aimed in exam.aims.items()}
        total = sum(len(each) for each in right.values())
        parts: dict[int, float | None] = {place: float(each.double().mean()) for place, each in right.items()}
        return Reading(sum(int(each.sum()) for each in right.values()) / total, parts if len(parts) > 1 else {})
