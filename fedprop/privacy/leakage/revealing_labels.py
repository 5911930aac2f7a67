"""Revealing labels: which classes a batch has, without any search for its examples."""

from collections.abc import Callable
from typing import ClassVar, Literal

import torch
from jaxtyping import Float
from pydantic import NonNegativeInt, PositiveInt
from torch import Tensor

from fedprop.errors import InvalidConfig
from fedprop.metrics import Number
from fedprop.params import copy_module
from fedprop.privacy.leakage.layers import LastLayer
from fedprop.privacy.leakage.numbers import LabelPrecision, LabelRecall, LabelsExact
from fedprop.privacy.probe import Finding, Probe, Sent, Sight, Watched, only_plain_descent, sees_every_example

TOLERANCE = 1e-5
"""The share of the largest singular value below which one is rounding: updates are sums in single precision."""


class RevealingLabels(Probe):
    """The classes of a client's batch, from the gradient of the last layer's weights alone (RLG).

    That gradient is a sum over the examples of (p - y) h, with p the probabilities, y the label as a corner, and h what
    enters the layer; so its first left singular vectors span the p - y, as long as there are fewer examples than
    classes and features. One p - y is negative at its label and nowhere else, and a linear programme tells of each
    class whether there is such a vector in their span. With nearly as many examples as classes, too many classes pass;
    where h is not negative, `signs` lets only those pass that have a negative entry in their row.

    Attributes
    ----------
    client : whose update is attacked, in the rounds for which the server accepts one.
    every : rounds between two attacks; the last round is always attacked.
    signs : whether to ask for a negative entry; a model whose last layer gets negative numbers is refused.

    Source: Dang et al., "Revealing and Protecting Labels in Distributed Training", NeurIPS 2021, section 3. Numerical
    tolerances are ours; the authors' perceptron, which thins out a thousand classes, is left out.
    """

    numbers: ClassVar[tuple[Number, ...]] = (LabelRecall(), LabelPrecision(), LabelsExact())
    needs_classes: ClassVar[bool] = True
    knows: ClassVar[str] = "how many examples there are"
    stands: ClassVar[str] = "at the server, or on its links"

    kind: Literal["revealing_labels"] = "revealing_labels"
    client: NonNegativeInt = 0
    every: PositiveInt = 1
    signs: bool = True

    def watch(self, run: Watched) -> Callable[[Sight], tuple[Finding, ...]]:
        only_plain_descent(run, self.kind)
        sees_every_example(run, self.client)
        layer = LastLayer(copy_module(run.module).to(run.pool.x.device).eval(), self.kind)
        if self.signs and (least := layer.least_input(run.outsiders.x)) < 0:
            raise InvalidConfig(f"`inference.signs` needs a last layer that gets no negative numbers; found {least}")
        true = set(run.pool.y[run.parts[self.client]].tolist())

        def look(sight: Sight) -> tuple[Finding, ...]:
            sent = sight.sent(self.client) if sight.last or not (sight.round + 1) % self.every else None
            return () if sent is None or not true else (self._finding(sent, layer, true),)

        return look

    def _finding(self, sent: Sent, layer: LastLayer, true: set[int]) -> Finding:
        found = set(present(layer.gradient(sent.learnt), sent.examples, signs=self.signs))
        result = {
            "label_recall": len(found & true) / len(true),
            "label_precision": len(found & true) / len(found) if found else 0.0,
            "labels_exact": float(found == true),
        }
        return Finding(self.kind, self.client, self.kind, {**result})


def present(gradient: Float[Tensor, "classes features"], examples: int, *, signs: bool) -> list[int]:
    """The classes of which the gradient of so many examples speaks.

    >>> present(torch.tensor([[0.2, 0.4], [-0.5, -1.0], [0.3, 0.6]]), 1, signs=False)
    [1]
    """
    left, sizes, _ = torch.linalg.svd(gradient.double().cpu(), full_matrices=False)
    kept = sizes[:examples] > TOLERANCE * sizes[0]
    rows = left[:, :examples][:, kept]
    candidates = [c for c in range(len(rows)) if not signs or bool((gradient[c] < 0).any())]
    return [c for c in candidates if _stands_out(rows, c)]


def _stands_out(rows: Tensor, c: int) -> bool:
    """Whether some combination of the columns is negative in row c and nowhere else."""
    # scipy takes a second to import, so only those who attack pay for it.
    from scipy.optimize import linprog

    others = torch.cat([rows[:c], rows[c + 1 :]])
    # The least r.q_c, but no less than -1, subject to r.q_j >= 0: it is -1 if there is such an r, else 0.
    bounded = torch.cat([-others, -rows[c : c + 1]]).numpy()
    limits = [0.0] * len(others) + [1.0]
    found = linprog(rows[c].numpy(), A_ub=bounded, b_ub=limits, bounds=(None, None))
    return bool(found.status == 0 and found.fun < -0.5)
