from types import SimpleNamespace

import pytest

from fedprop.defenses import Ruling
from fedprop.defenses.heterofl.numbers import UpdatesDropped
from fedprop.metrics import RemovalSuccessRate


def record(verdicts, weights, failure=""):
    measured = {"sybil_removal": {}, "watermark": {}}
    ruling = Ruling("some", dict(enumerate(verdicts)), measured=measured)
    return SimpleNamespace(ruling=ruling, weights=dict(enumerate(weights)), heard=range(len(weights)), failure=failure)


ONE = record(["kept", "watermark", "watermark", "sybil_removal"], [1.0, 0.0, 0.0, 0.0])
TWO = record(["kept", "kept", "kept", "watermark"], [0.5, 0.45, 0.05, 0.0])


def test_updates_dropped_are_told_by_step():
    number = UpdatesDropped()
    one, two = (number.read(each, {0}) for each in (ONE, TWO))
    assert (one.value, one.parts, two.value, two.parts) == (3.0, {1: 1.0, 2: 2.0}, 1.0, {1: 0.0, 2: 1.0})
    both = number.then(number.then(one, two), two)
    assert (both.value, both.cases) == (pytest.approx(5 / 3), 3)
    assert both.parts == pytest.approx({1: 1 / 3, 2: 4 / 3})
    assert number.show(both) == "1.67 (0.33 in step 1, 1.33 in step 2)"
    assert number.read(SimpleNamespace(ruling=None), ()) is None


def test_what_has_no_weight_is_removed_and_what_has_little_is_not():
    rate = RemovalSuccessRate()
    one, two = (rate.read(each, {1, 2, 3, 9}) for each in (ONE, TWO))
    assert (one.value, one.cases, two.value) == (1.0, 3, pytest.approx(1 / 3))
    assert rate.then(one, two).value == pytest.approx(4 / 6)
    assert rate.read(record(["kept"], [1.0], failure="too few"), {0}) is None
    assert rate.read(ONE, {9}) is None
