"""The settings of HeteroFL, and what it does with them at each step of a round."""

from collections.abc import Callable, Iterator
from typing import Annotated, Any, ClassVar, Literal, Self, TypeAlias

import torch
from pydantic import BeforeValidator, PositiveInt
from torch import Tensor

from fedprop.aggregators import (
    STAGES,
    Aggregation,
    Aggregator,
    Cohort,
    MagnitudeRectification,
    Mean,
    SimilarityDetection,
    Stage,
    SybilRemoval,
    Watermark,
    needs_examples,
)
from fedprop.aggregators.pipeline import Pipeline
from fedprop.defenses.heterofl.numbers import UpdatesDropped
from fedprop.defenses.heterofl.triggers import random_triggers
from fedprop.defenses.heterofl.walk import KEPT, walk
from fedprop.defenses.protocol import Judged, RoundProtocol, Ruling
from fedprop.metrics import Number
from fedprop.metrics.exclusion import RemovalSuccessRate
from fedprop.registry import several

TRIGGERS = 4
"""Examples that carry the watermark; the paper finds so few enough."""

_Step: TypeAlias = Annotated[Stage, STAGES]
_Steps: TypeAlias = tuple[_Step, ...]
Steps: TypeAlias = Annotated[_Steps, BeforeValidator(several, json_schema_input_type=_Step | _Steps | None)]
"""Any number of stages; in a file one may stand without a list around it."""


class HeteroFl(RoundProtocol):
    """HeteroFL (Lu et al. 2024): four steps that drop or rescale rows, and the mean of those that are left.

    `sybil_removal` drops rows whose directions have too much company, `similarity_detection` the rows least like the
    rest from groups that are unlike most groups, `watermark` rows that unlearn the watermark, `magnitude_rectification`
    rows of unusual length, and gives all others the same.

    For the watermark the server makes `triggers` random examples before the first round (`random_triggers`), of a class
    L beside the L classes of the data, 0 to L - 1. The model has an output for it, and all clients that hold data train
    on the triggers beside their own examples, an attack's clients too, before it makes something else of what they
    learnt. No client's data can hold a trigger, since none of its examples has that class.

    - Accuracy, loss and every metric are those of the first L outputs: an output that only the server's triggers have
      is no answer to anything else.
    - To label-flipping and other data poisoning there are L classes, and poisoned data are the clients' own: l becomes
      L - 1 - l, and triggers are left as they are.
    - Clients claim their own examples, and partitions and what is told of them know of no others.
    - Algorithm 1 assigns C_3 in line 13 and subtracts from it in line 14: the first is meant for what is dropped.
    - If nobody passes the watermark, the model stays as it is.
    - Triggers are made once, and the same for all clients and rounds.

    Steps may be any stages without memory, in any order and number: those of the ablation are the first ones, and
    `watermark` may be used alone. Where none of them asks for what the server's own examples tell, no triggers and no
    output are made. Values of the paper's supplement could not be had: see the steps.

    Attributes
    ----------
    steps : what rows go through before the mean of those that are left.
    triggers : |D_trg|, how many examples carry the watermark.

    Source: Lu, Hu, Wan, Li, Zhang, Xue, Wang and Jin, "Depriving the Survival Space of Adversaries Against Poisoned
    Gradients in Federated Learning" (HeteroFL), IEEE TIFS 2024, Algorithms 1 to 6.
    """

    numbers: ClassVar[tuple[Number, ...]] = (UpdatesDropped(), RemovalSuccessRate())

    kind: Literal["heterofl"] = "heterofl"
    steps: Steps = (SybilRemoval(), SimilarityDetection(), Watermark(), MagnitudeRectification())
    triggers: PositiveInt = TRIGGERS

    @classmethod
    def examples(cls) -> tuple[Self, ...]:
        return cls(), cls(steps=()), cls(steps=(Watermark(lambda_=0.0),), triggers=1)

    def _checks(self) -> tuple[Callable[[], Iterator[str]], ...]:
        return self._without_memory, self._has_triggers

    def _without_memory(self) -> Iterator[str]:
        for stage in self.steps:
            if stage.init() is not None:
                yield f"`steps` must be stages without memory for HeteroFl; found {stage.kind}"

    def _has_triggers(self) -> Iterator[str]:
        if self.triggers != TRIGGERS and not self.asks:
            yield f"`triggers` has no effect without a step that asks for losses, watermark; found {self.triggers}"

    @property
    def rule(self) -> Aggregator:
        return Pipeline(stages=self.steps, rule=Mean()) if self.steps else Mean()

    @property
    def asks(self) -> frozenset[str]:
        return frozenset(name for stage in self.steps for name in stage.asks if needs_examples({name}))

    @property
    def needs_rounds(self) -> str:
        """Nothing, unless a step does: rows are judged by whatever others come with them."""
        return ""

    @property
    def extra_classes(self) -> int:
        return 1 if self.asks else 0

    def extra_examples(self, x: Tensor, classes: int, *, generator: torch.Generator) -> tuple[Tensor, Tensor] | None:
        return random_triggers(x, classes, self.triggers, generator) if self.asks else None

    def aggregate(self, cohort: Cohort, memory: Any, *, rule: Callable[[Cohort], Aggregation]) -> Judged:
        """What `rule` answers, and which step dropped whom."""
        walked = walk(self.steps, cohort)
        found = Mean().answer(walked.cohort, None)
        weights = (found.weights.double() @ walked.mixing).to(found.value.dtype)
        by = [name for name in walked.measured if name in walked.verdicts.values()]
        ruling = Ruling("_and_".join(by) or f"all_{KEPT}", walked.verdicts, measured=walked.measured)
        return Judged(Aggregation(found.value, weights), ruling)
