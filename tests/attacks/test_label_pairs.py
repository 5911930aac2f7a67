import pytest
import torch
from pydantic import ValidationError

from fedprop.attacks import LabelPairs
from fedprop.errors import InvalidConfig


def relabelled(pairs, y, classes=10):
    x = torch.arange(len(y))
    same, labels = LabelPairs(pairs=pairs).poison(x, torch.tensor(y), classes, torch.Generator())
    assert torch.equal(same, x)
    return labels.tolist()


def test_sources_get_their_targets_and_others_stay():
    assert relabelled([[3, 9], [2, 1]], [0, 1, 2, 3, 3, 9]) == [0, 1, 1, 9, 9, 9]


def test_pairs_are_followed_once():
    assert relabelled([[0, 1], [1, 2]], [0, 1, 2], classes=3) == [1, 2, 2]


def test_it_aims_at_the_test_inputs_of_its_sources():
    x, y = torch.arange(5.0)[:, None], torch.tensor([3, 1, 2, 9, 3])
    inputs, wanted = LabelPairs(pairs=[[3, 9], [2, 1]]).aims(x, y, 10, torch.Generator())
    assert inputs.flatten().tolist() == [0, 2, 4]
    assert wanted.tolist() == [9, 1, 9]


@pytest.mark.parametrize(
    ("y", "classes", "told"), [([3], 9, "must be below 9"), ([0, 1], 10, "must start at the label of some test input")]
)
def test_aims_that_cannot_be_are_refused(y, classes, told):
    with pytest.raises(InvalidConfig, match=f"`pairs` {told}"):
        LabelPairs(pairs=[[3, 9], [2, 1]]).aims(torch.zeros(len(y), 1), torch.tensor(y), classes, torch.Generator())


@pytest.mark.parametrize("pairs", [[[3, 3]], [[3, 9], [3, 1]], [], [[-1, 0]]])
def test_pairs_without_a_meaning_are_refused(pairs):
    with pytest.raises(ValidationError):
        LabelPairs(pairs=pairs)
