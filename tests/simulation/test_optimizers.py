import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from fedprop.simulation.optimizers import AnyOptimizer, FedAdagrad, FedAdam, FedAvg, FedAvgM, FedNova, FedYogi
from fedprop.training.config import LocalTraining

numbers = st.floats(-10.0, 10.0)
ADAPTIVE = [FedAdagrad, FedAdam, FedYogi]


def algorithm_2(kind, deltas, x, lr, beta1, beta2, tau):
    """Reddi et al. 2021, Algorithm 2, on one coordinate: the iterates that the averages `deltas` lead to."""
    m, v = 0.0, tau**2
    path = []
    for delta in deltas:
        m = beta1 * m + (1 - beta1) * delta
        if kind == "fedadagrad":
            v = v + delta**2
        elif kind == "fedyogi":
            v = v - (1 - beta2) * delta**2 * math.copysign(1.0, v - delta**2) * (v != delta**2)
        else:
            v = beta2 * v + (1 - beta2) * delta**2
        x = x + lr * m / (math.sqrt(v) + tau)
        path.append(x)
    return path


@pytest.mark.parametrize("cls", ADAPTIVE, ids=lambda cls: cls.__name__)
@given(
    deltas=st.lists(st.tuples(numbers, numbers), min_size=1, max_size=8),
    lr=st.floats(1e-3, 1.0),
    beta1=st.floats(0.0, 0.99),
    beta2=st.floats(0.0, 0.999),
    tau=st.floats(1e-3, 0.1),
)
def test_adaptive_steps_are_algorithm_2_on_each_coordinate(cls, deltas, lr, beta1, beta2, tau):
    second = {} if cls is FedAdagrad else {"beta2": beta2}
    optimizer = cls(lr=lr, beta1=beta1, tau=tau, **second)
    parameters, trainable = torch.tensor([1.0, -2.0], dtype=torch.float64), torch.tensor([True, True])
    state, path = optimizer.init(parameters), []
    for delta in deltas:
        row = torch.tensor(delta, dtype=torch.float64)
        parameters, state = optimizer.step(parameters, row, state, trainable)
        path.append(parameters.tolist())
    for i, start in enumerate((1.0, -2.0)):
        wanted = algorithm_2(optimizer.kind, [d[i] for d in deltas], start, lr, beta1, beta2, tau)
        assert [point[i] for point in path] == pytest.approx(wanted, rel=1e-9, abs=1e-12)


def test_fedavgm_adds_up_aggregates_with_momentum():
    """Hsu et al. 2019, section 4.3, by hand: v = 1, then 0.5 + 2 = 2.5, then 1.25 - 4 = -2.75; lr is 2."""
    optimizer, parameters, trainable = FedAvgM(lr=2.0, momentum=0.5), torch.tensor([10.0]), torch.tensor([True])
    state, path = optimizer.init(parameters), []
    for aggregate in (1.0, 2.0, -4.0):
        parameters, state = optimizer.step(parameters, torch.tensor([aggregate]), state, trainable)
        path.append(parameters.item())
    assert path == [12.0, 17.0, 11.5]


@given(st.floats(1e-3, 10.0), numbers, numbers)
def test_fedavg_adds_lr_times_the_aggregate(lr, old, move):
    new, state = FedAvg(lr=lr).step(torch.tensor([old]), torch.tensor([move]), {}, torch.tensor([True]))
    assert torch.equal(new, torch.tensor([old]) + lr * torch.tensor([move]))
    assert state == {}


@pytest.mark.parametrize(
    "optimizer", [FedAvg(lr=3.0), FedAvgM(lr=3.0), FedNova(lr=3.0), *(cls(lr=3.0) for cls in ADAPTIVE)]
)
def test_buffers_move_by_the_plain_aggregate(optimizer):
    parameters, aggregate = torch.tensor([1.0, 7.0]), torch.tensor([0.5, 2.0])
    trainable = torch.tensor([True, False])
    for _ in range(2):
        new, _ = optimizer.step(parameters, aggregate, optimizer.init(parameters), trainable)
        assert new[1] == 9.0
        assert new[0] != 1.5


@pytest.mark.parametrize("optimizer", [FedAvg(), FedAvgM(), FedNova(), *(cls() for cls in ADAPTIVE)])
def test_steps_are_pure(optimizer):
    parameters, aggregate = torch.ones(2), torch.full((2,), 0.5)
    state = optimizer.init(parameters)
    before = {name: value.clone() for name, value in state.items()}
    first = optimizer.step(parameters, aggregate, state, torch.tensor([True, True]))
    second = optimizer.step(parameters, aggregate, state, torch.tensor([True, True]))
    assert torch.equal(first[0], second[0])
    assert all(torch.equal(state[name], before[name]) for name in state)
    assert parameters.tolist() == [1.0, 1.0]


@pytest.mark.parametrize("optimizer", [FedAvg(), FedAdam()])
def test_others_leave_rows_and_aggregate_as_they_are(optimizer):
    rows, lengths, trainable = torch.randn(3, 2), torch.tensor([1.0, 2.0, 3.0]), torch.tensor([True, True])
    assert optimizer.prepare(rows, lengths, trainable) is rows
    assert torch.equal(optimizer.finish(rows[0], torch.ones(3) / 3, lengths, trainable), rows[0])


def test_fednova_divides_rows_by_their_length_and_multiplies_the_mean_length_back():
    trainable = torch.tensor([True, True, False])
    rows = torch.tensor([[2.0, 4.0, 1.0], [9.0, 3.0, 5.0]])
    lengths, weights = torch.tensor([2.0, 3.0]), torch.tensor([0.25, 0.75])
    prepared = FedNova().prepare(rows, lengths, trainable)
    assert prepared.tolist() == [[1.0, 2.0, 1.0], [3.0, 1.0, 5.0]]
    finished = FedNova().finish(weights @ prepared, weights, lengths, trainable)
    assert finished.tolist() == pytest.approx([2.75 * 2.5, 2.75 * 1.25, 4.0])


@given(st.integers(1, 20), st.integers(1, 20), st.lists(numbers, min_size=2, max_size=2))
def test_fednova_weighs_clients_alike_however_many_steps_they_take(s, t, gradients):
    """On linear losses a client that takes more steps goes further; FedNova's direction is the mean gradient's."""
    training = LocalTraining(lr=0.1)
    lengths = torch.tensor([training.length(s), training.length(t)], dtype=torch.float64)
    rows = -0.1 * lengths[:, None] * torch.tensor(gradients, dtype=torch.float64)[:, None]
    trainable, weights = torch.tensor([True]), torch.tensor([0.5, 0.5], dtype=torch.float64)
    prepared = FedNova().prepare(rows, lengths, trainable)
    aggregate = FedNova().finish(weights @ prepared, weights, lengths, trainable)
    assert aggregate.item() == pytest.approx(-0.1 * (s + t) / 2 * sum(gradients) / 2)


def quadratic_limit(optimizer, steps, training):
    """Where rounds of local descent on (x - c)^2 / 2, with c = -1 and 1, lead: client i takes `steps[i]` steps.

    A round maps x to an affine function of x, so two rounds tell where it leaves x as it is.
    """
    at_zero, at_one = (_round(optimizer, steps, training, x) for x in (0.0, 1.0))
    return at_zero / (1.0 - (at_one - at_zero))


def _round(optimizer, steps, training, x):
    start, trainable = torch.tensor([x], dtype=torch.float64), torch.tensor([True])
    lengths = torch.tensor([training.length(s) for s in steps], dtype=torch.float64)
    weights = torch.tensor([0.5, 0.5], dtype=torch.float64)
    rows = torch.stack([_descend(start, c, s, training) - start for c, s in zip((-1.0, 1.0), steps, strict=True)])
    aggregate = weights @ optimizer.prepare(rows, lengths, trainable)
    aggregate = optimizer.finish(aggregate, weights, lengths, trainable)
    return optimizer.step(start, aggregate, {}, trainable)[0].item()


def _descend(x, centre, steps, training):
    start, velocity = x, torch.zeros_like(x)
    for _ in range(steps):
        gradient = x - centre + training.proximal * (x - start)
        velocity = training.momentum * velocity + gradient
        x = x - training.lr * velocity
    return x


@pytest.mark.parametrize(
    "training",
    [LocalTraining(lr=1e-3), LocalTraining(lr=1e-3, momentum=0.8), LocalTraining(lr=1e-3, proximal=100.0)],
    ids=["plain", "momentum", "proximal"],
)
def test_on_quadratics_fedavg_leans_to_the_busier_client_and_fednova_does_not(training):
    assert abs(quadratic_limit(FedNova(), [2, 20], training)) < 0.02
    assert quadratic_limit(FedAvg(), [2, 20], training) > 0.5


def test_kinds_are_told_apart_by_name():
    parse = TypeAdapter(AnyOptimizer).validate_python
    assert parse({"kind": "fedyogi", "beta2": 0.5}) == FedYogi(beta2=0.5)
    assert parse("fedavg") == parse({"kind": "fedavg"}) == FedAvg(lr=1.0)
    assert parse({"kind": "fedavgm"}) == FedAvgM(lr=1.0, momentum=0.9)


@pytest.mark.parametrize(
    "wrong",
    [
        {"kind": "fedadam", "beta1": 1.0},
        {"kind": "fedavg", "lr": 0},
        {"kind": "fedadagrad", "beta2": 0.5},
        {"kind": "fedavgm", "momentum": 0.0},
        {"kind": "fedavgm", "momentum": 1.0},
    ],
)
def test_settings_that_make_no_sense_are_refused(wrong):
    with pytest.raises(ValidationError):
        TypeAdapter(AnyOptimizer).validate_python(wrong)
