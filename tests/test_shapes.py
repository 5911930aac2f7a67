"""The run-time checks that all tests of aggregators run under notice what is wrong, and let pass what is right."""

import importlib

import pytest
import torch

from tests.shapes import check_shapes

CODE = """
from collections.abc import Iterator
from dataclasses import dataclass
from torch import Tensor
from fedprop.types import Gram, Updates, Vector, Weights

def answers(rows: Updates, answer: Tensor) -> Vector:
    return answer

def two(rows: Updates, weights: Weights) -> int:
    return len(rows)

def counts(x: int) -> list[str]:
    return ["1"] if x == 1 else x

def blocks(rows: Updates, weights: Weights | None = None) -> Iterator[int]:
    yield len(rows)

@dataclass
class Held:
    rows: Updates
    gram: Gram

class Rule:
    @property
    def most(self) -> int:
        return "three"

    @classmethod
    def examples(cls, rows: Updates) -> tuple["Rule", ...]:
        return (cls(), cls())[: len(rows)] or [1]

    def outer(self, rows: Updates) -> Weights:
        return next(blocks(rows[:1])) * rows[:, 0] * answers(rows[:1, :1], rows[0, :1])
"""

ROWS = torch.zeros(2, 3)
WRONG = {
    "an answer of another width": lambda m: m.answers(ROWS, torch.zeros(2)),
    "an answer of whole numbers": lambda m: m.answers(ROWS, torch.zeros(3, dtype=torch.int64)),
    "a flat matrix": lambda m: m.answers(torch.zeros(3), torch.zeros(3)),
    "weights for more rows": lambda m: m.two(ROWS, torch.zeros(3)),
    "weights for more rows, as they are read": lambda m: m.blocks(ROWS, torch.zeros(3)),
    "a list of the wrong things": lambda m: m.counts(0),
    "a float for a count": lambda m: m.counts(1.0),
    "a Gram matrix of more rows": lambda m: m.Held(ROWS, torch.zeros(3, 3)),
    "a Gram matrix that is not square": lambda m: m.Held(ROWS, torch.zeros(2, 3)),
    "text for a number": lambda m: m.Rule().most,
    "a list for a tuple": lambda m: m.Rule.examples(torch.zeros(0, 3)),
}


@pytest.fixture(scope="module")
def module(tmp_path_factory):
    folder = tmp_path_factory.mktemp("shapes")
    (folder / "checked_shapes.py").write_text(CODE, encoding="utf-8")
    with pytest.MonkeyPatch.context() as patch, check_shapes("checked_shapes"):
        patch.syspath_prepend(folder)
        return importlib.import_module("checked_shapes")


@pytest.mark.parametrize("wrong", WRONG)
def test_what_is_wrong_is_noticed(module, wrong):
    with pytest.raises(Exception, match=r"(?i)violates type hint|type-check"):
        WRONG[wrong](module)


def test_what_is_right_passes(module):
    assert module.answers(ROWS, torch.zeros(3)).shape == (3,)
    assert module.two(ROWS, torch.zeros(2)) == 2
    assert list(module.blocks(ROWS)) == [2]
    assert module.counts(1) == ["1"]
    assert module.Held(ROWS, torch.zeros(2, 2)).gram.shape == (2, 2)
    assert len(module.Rule.examples(ROWS)) == 2


def test_axes_of_a_call_within_a_call_are_its_own(module):
    assert module.Rule().outer(ROWS).shape == (2,)


def test_rules_are_checked():
    from fedprop.aggregators.inner_products import lengths

    with pytest.raises(Exception, match="violates type hint"):
        lengths("rows")
