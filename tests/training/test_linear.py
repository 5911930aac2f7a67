import pytest
import torch
from torch import nn
from torch.nn.utils import parametrizations

from fedprop.data.base import Examples
from fedprop.models import LogisticRegression
from fedprop.tasks import CLASSIFICATION, TASKS
from fedprop.training import LocalTraining
from fedprop.training.linear import LinearGradients
from fedprop.training.schedule import Pass, Schedule
from fedprop.training.stacked import StackedDescent


def pool_of(task, shape=(2, 2), examples=12):
    draw = torch.Generator().manual_seed(1)
    labels = torch.randint(3, (examples,), generator=draw)
    if task.vectors:
        labels = (torch.rand(examples, 3, generator=draw) > 0.5).float()
    return Examples(torch.randn(examples, *shape, generator=draw), labels)


def flat(**options):
    return nn.Sequential(nn.Flatten(), nn.Linear(4, 3, **options))


def test_by_hand():
    """With weights of zero both classes have probability 1/2: G is -1/2 at the right one and 1/2 at the other."""
    pool = Examples(torch.tensor([[2.0], [4.0]]), torch.tensor([0, 1]))
    found = LinearGradients.of(nn.Linear(1, 2), pool, CLASSIFICATION)
    params = {"weight": torch.zeros(2, 2, 1), "bias": torch.zeros(2, 2)}
    both, first = [0, 1], [0, 0]
    gradients, losses = found(params, {}, Pass(slice(2), torch.tensor([both, first]), None))
    # (-1/2 * 2 + 1/2 * 4) / 2 = 1/2 for the mean of both; -1/2 * 2 = -1 for the first alone.
    assert gradients["weight"].tolist() == [[[0.5], [-0.5]], [[-1.0], [1.0]]]
    assert gradients["bias"].tolist() == [[0.0, 0.0], [-0.5, 0.5]]
    torch.testing.assert_close(losses, torch.tensor(2.0).log().expand(2))


@pytest.mark.parametrize("task", [kind() for kind in TASKS.kinds.values() if not kind.sequences], ids=lambda t: t.kind)
@pytest.mark.parametrize("padded", [True, False])
def test_every_task_has_the_gradients_of_its_graph(task, padded):
    sizes = [[3, 2], [2]] if padded else [[3, 3], [3]]
    schedule = Schedule(torch.arange(sum(map(sum, sizes))), sizes)
    starts = torch.randn(2, 15, generator=torch.Generator().manual_seed(2))
    config = LocalTraining(lr=0.1, momentum=0.9, weight_decay=0.01, proximal=0.1, clip_norm=1.0)
    descent = StackedDescent(flat(), pool_of(task), config, task)
    found = descent(starts, 0.9 * starts, 0.1, schedule)
    wanted = descent(starts, 0.9 * starts, 0.1, schedule, descent._differentiate)
    for one, other in zip(found, wanted, strict=True):
        assert torch.equal(one, other)


@pytest.mark.parametrize("frozen", ["weight", "bias"])
def test_what_does_not_learn_stays(frozen):
    module = flat()
    getattr(module[1], frozen).requires_grad_(False)
    found = LinearGradients.of(module, pool_of(CLASSIFICATION), CLASSIFICATION)
    params = {name: value.detach()[None] for name, value in module.named_parameters()}
    gradients, _ = found(params, {}, Pass(slice(1), torch.tensor([[0, 1]]), None))
    assert set(gradients) == {"1.weight", "1.bias"} - {f"1.{frozen}"}


def test_a_layer_without_bias():
    descent = StackedDescent(flat(bias=False), pool_of(CLASSIFICATION), LocalTraining())
    starts, schedule = torch.ones(1, 12), Schedule(torch.arange(4), [[4]])
    found = descent(starts, starts, 0.1, schedule)
    wanted = descent(starts, starts, 0.1, schedule, descent._differentiate)
    assert torch.equal(found[0], wanted[0])
    assert not torch.equal(found[0], starts)


def hooked():
    module = flat()
    module[1].register_forward_hook(lambda *_: None)
    return module


OTHERS = {
    "two layers": nn.Sequential(nn.Flatten(), nn.Linear(4, 4), nn.Linear(4, 3)),
    "another last": nn.Sequential(nn.Linear(4, 3), nn.ReLU()),
    "another first": nn.Sequential(nn.ReLU(), nn.Linear(4, 3)),
    "part of the input": nn.Sequential(nn.Flatten(2), nn.Linear(4, 3)),
    "not flattened": nn.Linear(2, 3),
    "watched": hooked(),
    "made of others": parametrizations.weight_norm(nn.Linear(4, 3)),
    "a class of its own": type("Own", (nn.Linear,), {})(4, 3),
    "nothing": nn.Sequential(),
}


@pytest.mark.parametrize("name", OTHERS)
def test_other_models_keep_their_graph(name):
    flattened = name in ("another last", "another first", "made of others", "a class of its own")
    pool = pool_of(CLASSIFICATION, (4,) if flattened else (2, 2))
    assert LinearGradients.of(OTHERS[name], pool, CLASSIFICATION) is None


def test_whole_numbers_keep_their_graph():
    pool = Examples(torch.ones(3, 4, dtype=torch.int64), torch.tensor([0, 1, 2]))
    assert LinearGradients.of(nn.Linear(4, 3), pool, CLASSIFICATION) is None


def test_logistic_regression_is_such_a_model():
    module = LogisticRegression().build((2, 2), 3, seed=0)
    assert LinearGradients.of(module, pool_of(CLASSIFICATION), CLASSIFICATION) is not None
