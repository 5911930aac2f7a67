"""Backdoors without a mark: semantic ones and edge cases."""

import pytest
import torch

from fedprop.attacks import BACKDOORS, EdgeCase, Semantic
from fedprop.attacks.backdoors.semantic import slant
from fedprop.errors import InvalidConfig

X = torch.tensor([[0.0, 0.2], [0.8, 0.4], [1.0, 1.0], [0.6, 0.6], [0.0, 0.0]])
Y = torch.tensor([1, 1, 0, 2, 2])


def opened(backdoor, x=X, y=Y, classes=3):
    """The entries of the test inputs that open a backdoor; what is planted must change just their labels."""
    inputs, wanted = backdoor.aims(x, y, classes)
    same, labels = backdoor.plant(x, y, torch.Generator())
    assert torch.equal(same, x)
    assert torch.equal(x[labels != y], inputs)
    assert labels[labels != y].tolist() == wanted.tolist() == [backdoor.label] * len(inputs)
    return [[round(float(entry), 1) for entry in row] for row in inputs]


def test_bright_inputs_of_any_other_label_open_a_semantic_backdoor():
    assert opened(Semantic(least=0.55)) == [[0.8, 0.4], [0.6, 0.6]]


def test_or_those_of_one_class():
    assert opened(Semantic(source=2, least=0.55)) == [[0.6, 0.6]]


LEANING = torch.tensor(
    [
        [[0.0, 0.0, 1.0], [0.0, 1.0, 0.0], [1.0, 0.0, 0.0]],  # a column for each row upwards
        [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]],  # the same to the left
        [[0.0, 1.0, 0.0], [0.0, 1.0, 0.0], [0.0, 1.0, 0.0]],
        [[0.0, 2.0, 2.0], [2.0, 2.0, 0.0], [0.0, 0.0, 0.0]],  # as much, with more ink
        [[0.0, 0.0, 0.0], [1.0, 0.0, 1.0], [0.0, 0.0, 0.0]],  # one row
        [[0.0, 0.0, 0.0], [0.0, 0.0, 0.0], [0.0, 0.0, 0.0]],
    ]
)[:, None]
"""Pictures [6, 1, 3, 3]."""


def test_handwriting_leans_as_the_line_that_fits_it_best():
    assert slant(LEANING).tolist() == [1.0, -1.0, 0.0, 1.0, 0.0, 0.0]
    assert torch.equal(slant(LEANING.expand(-1, 3, -1, -1)), slant(LEANING))
    assert slant(LEANING.flatten(1)).tolist() == [0.0] * 6


def test_slanted_pictures_open_a_semantic_backdoor():
    y = torch.ones(6, dtype=torch.int64)
    inputs, _ = Semantic(of="slant", least=0.5).aims(LEANING, y, 2)
    assert torch.equal(inputs, LEANING[[0, 3]])


def test_edge_cases_are_the_farthest_of_their_own_class():
    """Means 1 and 30: the last lies farthest in the first class, the first of two that lie equally far in the other."""
    x, y = torch.tensor([[0.0], [0.5], [2.5], [20.0], [40.0]]), torch.tensor([1, 1, 1, 2, 2])
    assert opened(EdgeCase(rare=0.34), x, y) == [[2.5], [20.0]]
    assert opened(EdgeCase(source=2, rare=1.0), x, y) == [[20.0], [40.0]]
    assert opened(EdgeCase(source=1, rare=0.67), x, y) == [[0.0], [2.5]]


@pytest.mark.parametrize("backdoor", [Semantic(least=2.0), Semantic(source=0, least=0.1), EdgeCase(source=5)])
def test_a_backdoor_that_nothing_opens_is_refused(backdoor):
    with pytest.raises(InvalidConfig, match="must be opened by some test input; found none among 5"):
        backdoor.aims(X, Y, 3)


def test_every_backdoor_survives_its_written_form():
    examples = BACKDOORS.examples()
    assert {backdoor.kind for backdoor in examples} == set(BACKDOORS.kinds)
    assert [each for each in examples if BACKDOORS.parse(each.model_dump(mode="json")) != each] == []


def test_every_backdoor_aims_at_other_labels_and_leaves_its_input_alone():
    x = torch.rand(30, 1, 8, 8, generator=torch.Generator().manual_seed(0))
    y = torch.arange(30) % 4
    for backdoor in BACKDOORS.examples():
        before = x.clone(), y.clone()
        inputs, wanted = backdoor.aims(x, y, 4)
        planted, labels = backdoor.plant(x, y, torch.Generator().manual_seed(1), 2)
        assert inputs.shape[1:] == planted.shape[1:] == x.shape[1:]
        assert wanted.unique().tolist() == [backdoor.label]
        assert not torch.equal(labels, y)
        assert torch.equal(x, before[0])
        assert torch.equal(y, before[1])


def test_rare_inputs_are_copied_until_they_make_up_the_share_wanted():
    """Two of ten are bright; a share of a half is five, so three of the eight others give way to copies."""
    x = torch.tensor([[float(number)] for number in range(10)])
    y = torch.ones(10, dtype=torch.int64)
    backdoor = Semantic(least=8.0, poisoned=0.5)
    planted, labels = backdoor.plant(x, y, torch.Generator().manual_seed(0))
    assert sorted(planted[labels == 0, 0].tolist()) == [8.0, 8.0, 8.0, 9.0, 9.0]
    assert len(set(planted[labels == 1, 0].tolist())) == 5
    assert backdoor.aims(x, y, 2)[0].tolist() == [[8.0], [9.0]]


def test_copies_neither_replace_what_is_common_enough_nor_come_of_nothing():
    x, y = torch.tensor([[0.0], [8.0], [9.0]]), torch.tensor([1, 1, 1])
    for least, wanted in ((8.0, [1, 0, 0]), (99.0, [1, 1, 1])):
        planted, labels = Semantic(least=least, poisoned=0.3).plant(x, y, torch.Generator())
        assert torch.equal(planted, x)
        assert labels.tolist() == wanted
