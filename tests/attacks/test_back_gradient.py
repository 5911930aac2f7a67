"""Back-gradient poisoning: its gradient by hand, by unrolling and by the definition; who is poisoned, and how well."""

import math

import pytest
import torch
from torch.nn.functional import cross_entropy, one_hot

from fedprop.attacks import BackGradient
from fedprop.attacks.softmax_descent import SoftmaxDescent, biased
from fedprop.errors import InvalidConfig
from fedprop.oracles.back_gradient import MISREADINGS, Lesson, hyper_gradient, validation_loss


def problem(seed, *, steps=4, lr=0.7, share=0.3):
    """Five known examples of three numbers and three classes, four to judge by, and two points."""
    stream = torch.Generator().manual_seed(seed)
    x, val_x, points = (torch.randn(n, 3, generator=stream, dtype=torch.float64) for n in (5, 4, 2))
    y, val_y, labels = (torch.randint(3, (n,), generator=stream) for n in (5, 4, 2))
    return SoftmaxDescent(x, y, val_x, val_y, labels, 3, share, steps, lr), points


def lesson(found):
    hot = [one_hot(labels, 3).tolist() for labels in (found.y, found.val_y, found.labels)]
    return Lesson(*(found.x.tolist(), hot[0], found.val_x.tolist(), hot[1], hot[2], found.share, found.steps, found.lr))


def unrolled(found, points):
    """The same loss by descent that torch differentiates, second derivatives and all."""
    points = points.clone().requires_grad_()
    model = torch.zeros(4, 3, dtype=torch.float64, requires_grad=True)
    for _ in range(found.steps):
        known = cross_entropy(biased(found.x) @ model, found.y)
        poison = cross_entropy(biased(points) @ model, found.labels)
        loss = (1 - found.share) * known + found.share * poison
        model = model - found.lr * torch.autograd.grad(loss, model, create_graph=True)[0]
    loss = cross_entropy(biased(found.val_x) @ model, found.val_y)
    return loss.detach(), torch.autograd.grad(loss, points)[0]


def test_one_step_from_one_point_by_hand():
    """The point 2 of class 0 makes weights (1, -1) and biases (1/2, -1/2); at 1 the scores are then 3 apart.

    At a point p they would be p + 1 apart, and the loss of an example of class 1 log(1 + e^(p + 1)).
    """
    one, none = torch.ones(1, 1, dtype=torch.float64), torch.zeros(0, 1, dtype=torch.float64)
    found = SoftmaxDescent(
        none, torch.tensor([], dtype=torch.int64), one, torch.tensor([1]), torch.tensor([0]), 2, 1, 1, 1
    )
    loss, slope = found.slope(2 * one)
    assert float(loss) == pytest.approx(math.log(1 + math.exp(3)))
    assert slope.tolist() == [[pytest.approx(1 / (1 + math.exp(-3)))]]


def test_the_gradient_is_that_of_unrolled_descent_and_of_the_definition_and_of_no_misreading():
    for seed in range(5):
        found, points = problem(seed)
        loss, slope = found.slope(points)
        expected_loss, expected = unrolled(found, points)
        assert torch.allclose(loss, expected_loss, rtol=1e-12)
        assert torch.allclose(slope, expected, rtol=1e-10, atol=1e-14)
        told = lesson(found)
        assert float(loss) == pytest.approx(validation_loss(told, points.tolist()), rel=1e-12)
        defined = torch.tensor(hyper_gradient(told, points.tolist()), dtype=torch.float64)
        assert torch.allclose(slope, defined, rtol=1e-5, atol=1e-9)
        for name, wrong in MISREADINGS.items():
            read = torch.tensor(wrong(told, points.tolist()), dtype=torch.float64)
            assert float((slope - read).norm() / slope.norm()) > 0.01, name


def clouds(sizes, *, seed=0, classes=3):
    """Clients with examples from a cloud for each class, of 8 numbers in single precision."""
    stream = torch.Generator().manual_seed(seed)
    centres = 2 * torch.randn(classes, 8, generator=stream)
    held = []
    for size in sizes:
        y = torch.randint(classes, (size,), generator=stream)
        held.append((centres[y] + torch.randn(size, 8, generator=stream), y))
    return held


def poisoned(attack, held, classes=3):
    """What comes of it, and for each client which labels and which inputs are other ones."""
    before = [(x.clone(), y.clone()) for x, y in held]
    after = attack.poison_together(held, classes, torch.Generator().manual_seed(1))
    for now, then in zip(held, before, strict=True):
        assert all(map(torch.equal, now, then))
    pairs = list(zip(before, after, strict=True))
    labels = [was[1].ne(own[1]) for was, own in pairs]
    inputs = [was[0].ne(own[0]).any(dim=1) for was, own in pairs]
    return after, labels, inputs


def test_a_share_of_every_clients_examples_is_poisoned_or_of_the_first_ones_alone():
    held = clouds([10, 20, 30])
    attack = BackGradient(poisoned=0.1, steps=3, iterations=2)
    after, labels, inputs = poisoned(attack, held)
    assert [int(changed.sum()) for changed in labels] == [1, 2, 3]
    assert all(map(torch.equal, labels, inputs))
    known = torch.cat([x for x, _ in held])
    assert all(known.min() <= x.min() and x.max() <= known.max() for x, _ in after)
    _, labels, inputs = poisoned(attack.model_copy(update={"holders": "first", "poisoned": 1.0}), held)
    assert [int(changed.sum()) for changed in labels] == [10, 0, 0]
    assert all(map(torch.equal, labels, inputs))


def test_moving_points_harms_a_model_that_is_trained_with_them_more_than_their_labels_do():
    """On test examples that nobody has seen, by a tenth at least, over three seeds; with more iterations not less."""
    for seed in range(3):
        *held, (test_x, test_y) = clouds([40, 40, 200], seed=seed)
        losses = []
        for iterations in (0, 15):
            attack = BackGradient(share=0.9, steps=20, iterations=iterations)
            x, y = (torch.cat(part) for part in zip(*poisoned(attack, held)[0], strict=True))
            model = SoftmaxDescent(x, y, test_x, test_y, y[:1], 3, 0.0, 40, 0.05)
            losses.append(float(model.slope(x[:1])[0]))
        assert losses[1] > 1.1 * losses[0]


def test_a_client_that_knows_too_little_to_judge_has_wrong_labels():
    x, y = torch.rand(2, 1, 4, 4), torch.tensor([0, 1])
    moved, labels = BackGradient(poisoned=0.5).poison(x, y, 2, torch.Generator().manual_seed(0))
    assert torch.equal(moved, x)
    assert int(labels.ne(y).sum()) == 1


def test_token_ids_cannot_be_moved():
    with pytest.raises(InvalidConfig, match=r"must have inputs of fractions for BackGradient; found torch\.int64"):
        BackGradient().poison(torch.zeros(3, 7, dtype=torch.int64), torch.zeros(3), 2, torch.Generator())


def test_points_are_judged_where_they_begin_and_after_each_move(monkeypatch):
    asked = []

    def slope(self, points):
        asked.append(points)
        return torch.tensor(1.0), torch.ones_like(points)

    monkeypatch.setattr(SoftmaxDescent, "slope", slope)
    x, y = torch.rand(20, 3, generator=torch.Generator().manual_seed(0)), torch.arange(20) % 2
    for moves in (0, 3):
        asked.clear()
        BackGradient(iterations=moves).poison(x.clone(), y.clone(), 2, torch.Generator().manual_seed(0))
        assert len(asked) == moves + 1
