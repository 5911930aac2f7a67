"""Each metric on answers small enough to count on one's fingers."""

import math
from types import MappingProxyType
from typing import ClassVar, Literal

import numpy as np
import pytest
import torch
from pydantic import TypeAdapter

from fedprop.metrics import (
    AUC,
    F1,
    METRICS,
    Aimed,
    Exam,
    Metric,
    Metrics,
    PerClassAccuracy,
    PerClientAccuracy,
    Reading,
)


def exam(predicted, labels, *, classes=3, clients=MappingProxyType({})):
    """Sure answers: 5 for the predicted class, 0 for all others."""
    outputs = 5.0 * torch.nn.functional.one_hot(torch.tensor(predicted), classes).float()
    return Exam(outputs, torch.tensor(labels), classes, lambda: clients)


SOME = exam([0, 0, 1, 1, 1, 2], [0, 1, 1, 1, 2, 2])
"""Class 0: 1 of 1 found and 1 too many; class 1: 2 of 3 and 1 too many; class 2: 1 of 2."""


def test_accuracy_by_class():
    reading = PerClassAccuracy().measure(SOME)
    assert reading.parts == {0: 1.0, 1: pytest.approx(2 / 3), 2: 0.5}
    assert reading.value == pytest.approx((1 + 2 / 3 + 1 / 2) / 3)
    assert PerClassAccuracy().show(reading) == "0.7222, lowest 0.5000 (class 2)"


def test_f1():
    """2 TP / (2 TP + FP + FN): 2/3, 4/6 and 2/3."""
    reading = F1().measure(SOME)
    assert reading.parts == {k: pytest.approx(2 / 3) for k in range(3)}
    assert reading.value == pytest.approx(2 / 3)


def test_a_class_that_is_never_predicted_has_an_f1_of_0():
    assert F1().measure(exam([0, 0, 1, 1], [0, 0, 1, 2])).parts == {0: 1.0, 1: pytest.approx(2 / 3), 2: 0.0}


def test_auc_is_the_share_of_pairs_in_order():
    """One output decides between two classes: of the 2 x 2 pairs 3 are in order."""
    outputs = torch.tensor([[0.0, 1.0], [0.0, 3.0], [0.0, 2.0], [0.0, 4.0]])
    reading = AUC().measure(Exam(outputs, torch.tensor([0, 0, 1, 1]), 2, dict))
    assert reading == Reading(0.75, {0: 0.75, 1: 0.75})


def test_auc_counts_ties_half():
    outputs = torch.zeros(4, 2)
    assert AUC().measure(Exam(outputs, torch.tensor([0, 0, 1, 1]), 2, dict)).value == 0.5


def test_accuracy_by_client():
    clients = {3: 0.5, 7: 1.0, 8: 0.9, 9: 0.6}
    metric = PerClientAccuracy()
    reading = metric.measure(exam([0], [0], clients=clients))
    assert reading.parts == clients
    assert reading.value == pytest.approx(0.75)
    assert metric.show(reading) == "0.7500, lowest 0.5000 (client 3), 10th percentile 0.5300"


@pytest.mark.parametrize("metric", [PerClassAccuracy(), F1(), AUC()], ids=lambda m: m.kind)
def test_a_class_that_is_absent_has_no_number_and_neither_has_the_mean(metric):
    reading = metric.measure(exam([0, 1, 1, 0], [0, 1, 0, 1]))
    assert (reading.value, reading.why) == (None, "class 2 has no example in the test set")
    assert reading.parts[2] is None
    assert None not in (reading.parts[0], reading.parts[1])
    assert metric.show(reading) == "– (class 2 has no example in the test set)"


def test_what_auc_cannot_say_it_does_not_say():
    assert AUC().measure(exam([1, 1], [1, 1])).why == "the test set holds one class only"
    wild = Exam(torch.tensor([[math.inf, 0.0], [0.0, math.nan]]), torch.tensor([0, 1]), 2, dict)
    assert AUC().measure(wild).why == "the model's outputs are not finite"


MEASURED = [kind for kind, cls in METRICS.kinds.items() if issubclass(cls, Metric)]


@pytest.mark.parametrize("kind", MEASURED)
def test_every_metric_reads_any_answers(kind):
    """None raises or warns, and none answers with anything but a finite number or a reason."""
    draw = torch.Generator().manual_seed(0)
    for classes, n in ((2, 1), (2, 7), (5, 3), (5, 60)):
        outputs, labels = torch.randn(n, classes, generator=draw), torch.randint(classes, (n,), generator=draw)
        aimed = Aimed(outputs[:1], labels[:1])
        reading = METRICS.parse(kind).measure(Exam(outputs, labels, classes, lambda: {0: 0.5}, {0: aimed}.copy))
        assert (reading.value is None) == bool(reading.why)
        assert reading.value is None or 0.0 <= reading.value <= 1.0


@pytest.mark.parametrize(
    "fields",
    [
        {"value": math.nan},
        {"value": math.inf},
        {"value": True},
        {"value": torch.tensor(0.5)},
        {"value": "0.5"},
        {"value": 0.5, "parts": {0: math.nan}},
        {"value": 0.5, "parts": {"class 0": 0.5}},
        {},
        {"value": 1.0, "why": "x"},
    ],
    ids=str,
)
def test_a_reading_is_a_number_or_a_reason(fields):
    with pytest.raises((ValueError, TypeError), match=r"a reading must|as an integer"):
        Reading(**fields)


def test_numbers_of_other_libraries_become_pythons():
    reading = Reading(np.float64(0.5), {np.int64(3): np.float64(1.0), 4: 0})
    assert (type(reading.value), [*map(type, reading.parts)]) == (float, [int, int])
    assert reading == Reading(0.5, {3: 1.0, 4: 0.0})


class Brier(Metric):
    """Has no parts."""

    label: ClassVar[str] = "Brier score"

    kind: Literal["brier"] = "brier"

    def measure(self, exam):
        right = torch.nn.functional.one_hot(exam.labels, exam.classes)
        return Reading(float((torch.softmax(exam.outputs, 1) - right).square().sum(1).mean()))


def test_one_of_ones_own_is_shown_as_a_number():
    reading = Brier().measure(Exam(torch.zeros(1, 2), torch.tensor([0]), 2, dict))
    assert Brier().show(reading) == "0.5000"


def test_metrics_are_named_in_a_list_or_alone():
    parse = TypeAdapter(Metrics).validate_python
    assert parse("f1") == parse(["f1"]) == parse([{"kind": "f1"}]) == (F1(),)
    assert parse(None) == parse([]) == ()
