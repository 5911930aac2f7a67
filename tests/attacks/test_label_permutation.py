import pytest
import torch
from pydantic import ValidationError

from fedprop.attacks import LabelPermutation
from fedprop.errors import InvalidConfig


def permuted(attack, y, classes):
    x, y = torch.arange(len(y)), torch.tensor(y)
    same, labels = attack.poison(x, y, classes, torch.Generator())
    assert torch.equal(same, x)
    assert not torch.equal(labels, y)
    return labels.tolist()


def test_each_class_is_called_by_the_name_of_the_next():
    assert permuted(LabelPermutation(), [0, 1, 2, 2], 3) == [1, 2, 0, 0]


def test_a_permutation_of_ones_own():
    assert permuted(LabelPermutation(labels=(2, 1, 0)), [0, 0, 1, 2], 3) == [2, 2, 1, 0]


def test_a_permutation_of_other_classes_is_refused():
    with pytest.raises(InvalidConfig, match="`labels` must name 4 classes for LabelPermutation; found 2"):
        LabelPermutation(labels=(1, 0)).poison(torch.zeros(1, 1), torch.tensor([0]), 4, torch.Generator())


@pytest.mark.parametrize("labels", [(0, 0), (1, 2), (0, 1, 2), ()])
def test_what_permutes_nothing_is_refused(labels):
    with pytest.raises(ValidationError, match=r"`labels` must be 0 \.\.\. L - 1 in another order"):
        LabelPermutation(labels=labels)
