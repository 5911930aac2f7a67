"""Three engines, one result: training clients one at a time, in threads or stacked is the same function.

Statement. For every model, configuration and set of tickets:

1. the sequential and the vectorised engine give the same updates, losses, step counts and buffers, up to rounding;
   worker threads give the same to the bit however many they are, and without stacking what one thread alone gives,
   models included that draw random numbers;
2. a ticket's result depends neither on which other tickets are trained with it nor on their order nor on how they are
   cut into chunks: exactly for the sequential engine and for workers, up to rounding for the vectorised one, whose
   sums may be blocked differently in other stacks;
3. one plain step over a client's whole data gives update = -lr * gradient of its mean loss (FedSGD, McMahan et al.
   2017, section 2);
4. a client that starts from another model than the global one makes the steps it would make from there, and its update
   leads from the global model to where it ends (Guo et al. 2024, Algorithm 1).

Tolerance: 1e-9 in float64, where a rounding error cannot grow by crossing a kink of ReLU unless it starts within 1e-12
of one; 1e-4 in float32. No model has a parameter without influence, such as a bias before BatchNorm: Adam would divide
its gradient, which is 0 but for rounding, by nothing but its epsilon, and any two computations differ there.

Reason for 1: a client's loss depends on its own row of the stack alone, so the gradient of the sum of all losses holds
every client's own gradient, and padding has weight zero. A model of which this is not true, since the examples of a
batch change each other's logits or an operation treats the clients of a stack unequally, is not stacked: a trial finds
it (tests/training/test_agreement.py). A worker computes each step in its own module and one thread, and a task draws
from a generator of its own.
"""

from dataclasses import replace

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from fedprop.data.base import Examples
from fedprop.params import ParameterLayout
from fedprop.training import LocalResult, LocalTraining, Shards, Ticket, Train
from fedprop.training.engine import EngineChoice, build_engine
from fedprop.training.lr_schedules import ExponentialDecay
from fedprop.training.sequential import Sequential
from fedprop.training.vectorized import Vectorized
from fedprop.training.workers import Workers

CLASSES = 3
SHAPE = (1, 4, 4)
TOLERANCE = {torch.float64: 1e-9, torch.float32: 1e-4}


class Idle(nn.Module):
    """Has a weight that never takes part in the forward pass; SGD leaves such a weight alone, decay included."""

    def __init__(self) -> None:
        super().__init__()
        self.used = nn.Linear(16, CLASSES)
        self.idle = nn.Linear(2, 2)

    def forward(self, x: Tensor) -> Tensor:
        return self.used(x.flatten(1))


class Tokens(nn.Module):
    """Reads signs as token ids, of which 0 is padding."""

    def __init__(self) -> None:
        super().__init__()
        self.vectors = nn.Embedding(3, 2, padding_idx=0)
        self.head = nn.Linear(2, CLASSES)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.vectors(x.flatten(1).sign().long() + 1).mean(1))


def _logistic() -> nn.Module:
    return nn.Sequential(nn.Flatten(), nn.Linear(16, CLASSES))


def _mlp() -> nn.Module:
    return nn.Sequential(nn.Flatten(), nn.Linear(16, 5), nn.ReLU(), nn.Linear(5, CLASSES))


def _half_frozen() -> nn.Module:
    module = _mlp()
    module[1].requires_grad_(False)
    return module


def _cnn() -> nn.Module:
    return nn.Sequential(nn.Conv2d(1, 3, 3), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(3, CLASSES))


def _dropping() -> nn.Module:
    return nn.Sequential(nn.Flatten(), nn.Linear(16, 5), nn.Dropout(0.3), nn.Linear(5, CLASSES))


def _normalised(*, tracks: bool) -> nn.Module:
    norm = nn.BatchNorm2d(2, track_running_stats=tracks)
    return nn.Sequential(nn.Conv2d(1, 2, 3, bias=False), norm, nn.ReLU(), nn.Flatten(), nn.Linear(8, CLASSES))


MODELS = {
    "logistic": _logistic,
    "mlp": _mlp,
    "half frozen": _half_frozen,
    "idle weight": Idle,
    "cnn": _cnn,
    "tokens": Tokens,
    "batch norm": lambda: _normalised(tracks=True),
    "batch norm without buffers": lambda: _normalised(tracks=False),
}
DRAWING = {"dropout": _dropping}
"""Models that draw random numbers; they are not stacked."""


def build(name: str, dtype: torch.dtype = torch.float64) -> nn.Module:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(3)
        return (MODELS | DRAWING)[name]().to(dtype)


def shards_of(sizes: list[int], dtype: torch.dtype = torch.float64) -> Shards:
    """Clients with so many examples each; a client's rows are spread over the pool."""
    draw = torch.Generator().manual_seed(len(sizes))
    n = sum(sizes)
    pool = Examples(torch.randn(n, *SHAPE, generator=draw).to(dtype), torch.randint(CLASSES, (n,), generator=draw))
    return Shards(pool, torch.split(torch.randperm(n, generator=draw), sizes))


def tickets_of(module: nn.Module, clients: list[int]) -> list[Ticket]:
    """Task i for client `clients[i]`, each for a global model of its own (counters stay whole numbers).

    It was given out in round i. Every third starts from another model.
    """
    layout = ParameterLayout.of(module)
    base, draw = layout.flatten(module), torch.Generator().manual_seed(5)
    whole = torch.cat(
        [torch.full((e.stop - e.start,), not e.dtype.is_floating_point, dtype=torch.bool) for e in layout.entries]
    )
    tickets = []
    for task, client in enumerate(clients):
        noise = 0.3 * torch.rand(layout.size, generator=draw, dtype=base.dtype)
        start = base + torch.where(whole, 2.0, 0.3 - noise) if task % 3 == 2 else None
        tickets.append(Ticket(client, task, base + torch.where(whole, float(task), noise), start, round=task))
    return tickets


def assert_same(found: LocalResult, wanted: LocalResult, tolerance: float) -> None:
    assert (found.examples, found.steps) == (wanted.examples, wanted.steps)
    assert found.loss == pytest.approx(wanted.loss, rel=tolerance, abs=tolerance)
    torch.testing.assert_close(found.update, wanted.update, rtol=tolerance, atol=tolerance)


def engine(name: str, kind: str, shards: Shards, config: LocalTraining) -> Train:
    module = build(name, shards.pool.x.dtype)
    return build_engine(EngineChoice(kind, "none"), module, shards, config, seed=11)


lengths = st.one_of(
    st.just({}),
    st.fixed_dictionaries({"steps": st.integers(1, 5)}),
    st.fixed_dictionaries({"epochs": st.integers(1, 2)}),
)


@st.composite
def configs(draw: st.DrawFn) -> LocalTraining:
    return LocalTraining(
        **draw(lengths),
        lr=draw(st.sampled_from([0.01, 0.1])),
        batch_size=draw(st.integers(1, 6)),
        **draw(st.sampled_from([{}, {"momentum": 0.9}, {"optimizer": "adam"}])),
        weight_decay=draw(st.sampled_from([0.0, 0.01])),
        proximal=draw(st.sampled_from([0.0, 0.5])),
        clip_norm=draw(st.sampled_from([None, 0.2])),
        lr_schedule=draw(st.sampled_from([(), (ExponentialDecay(shrink=0.7),)])),
    )


sizes_lists = st.lists(st.integers(0, 9), min_size=1, max_size=6).filter(any)
models = st.sampled_from(sorted(MODELS))


@given(models, configs(), sizes_lists, st.data())
def test_stacking_gives_the_same_results(name, config, sizes, data):
    clients = data.draw(st.lists(st.integers(0, len(sizes) - 1), min_size=1, max_size=6))
    shards, tickets = shards_of(sizes), tickets_of(build(name), clients)
    slow, fast = (engine(name, kind, shards, config)(tickets) for kind in ("sequential", "vectorized"))
    for wanted, found in zip(slow, fast, strict=True):
        assert_same(found, wanted, TOLERANCE[torch.float64])


@pytest.mark.parametrize("name", MODELS)
def test_stacking_agrees_in_single_precision(name):
    shards = shards_of([7, 3, 5], torch.float32)
    tickets = tickets_of(build(name, torch.float32), [2, 0, 1, 0])
    config = LocalTraining(lr=0.05, batch_size=4, epochs=2, momentum=0.5, weight_decay=0.01, proximal=0.1)
    slow, fast = (engine(name, kind, shards, config)(tickets) for kind in ("sequential", "vectorized"))
    for wanted, found in zip(slow, fast, strict=True):
        assert found.update.dtype == torch.float32
        assert_same(found, wanted, TOLERANCE[torch.float32])


@given(models | st.just("dropout"), configs(), sizes_lists, st.integers(1, 4), st.data())
def test_any_number_of_workers_gives_the_sequential_results(name, config, sizes, count, data):
    clients = data.draw(st.lists(st.integers(0, len(sizes) - 1), min_size=1, max_size=6))
    shards, tickets = shards_of(sizes), tickets_of(build(name), clients)
    slow = Sequential(build(name), shards, config, 11)(tickets)
    draws = "own" if name in DRAWING else "none"
    fast = Workers(lambda: Sequential(build(name), shards, config, 11, draws=draws), count=count)(tickets)
    for wanted, found in zip(slow, fast, strict=True):
        assert_same(found, wanted, 0.0)


@given(models, configs(), sizes_lists, st.integers(2, 4), st.data())
def test_any_number_of_workers_gives_the_same_stacks(name, config, sizes, count, data):
    clients = data.draw(st.lists(st.integers(0, len(sizes) - 1), min_size=1, max_size=6))
    shards, tickets = shards_of(sizes), tickets_of(build(name), clients)

    def stack():
        return Vectorized(build(name), shards, config, 11, members=2)

    alone, many = (Workers(stack, together=2, count=workers)(tickets) for workers in (1, count))
    for wanted, found in zip(alone, many, strict=True):
        assert_same(found, wanted, 0.0)


@given(models, configs(), sizes_lists, st.integers(1, 5), st.data())
def test_chunks_change_nothing(name, config, sizes, members, data):
    clients = data.draw(st.lists(st.integers(0, len(sizes) - 1), min_size=1, max_size=6))
    shards, tickets = shards_of(sizes), tickets_of(build(name), clients)
    whole, chunked = (Vectorized(build(name), shards, config, 11, members=size) for size in (6, members))
    for wanted, found in zip(whole(tickets), chunked(tickets), strict=True):
        assert_same(found, wanted, TOLERANCE[torch.float64])


@pytest.mark.parametrize("kind", ["sequential", "workers", "vectorized"])
@given(name=models, config=configs(), sizes=sizes_lists, data=st.data())
def test_a_result_does_not_depend_on_its_company(kind, name, config, sizes, data):
    clients = data.draw(st.lists(st.integers(0, len(sizes) - 1), min_size=2, max_size=6))
    tickets = tickets_of(build(name), clients)
    company = data.draw(st.permutations(tickets)).copy()[: data.draw(st.integers(1, len(tickets)))]
    train = engine(name, kind, shards_of(sizes), config)
    alone = {ticket.task: train([ticket])[0] for ticket in company}
    for ticket, found in zip(company, train(company), strict=True):
        assert_same(found, alone[ticket.task], TOLERANCE[torch.float64] if kind == "vectorized" else 0.0)


@pytest.mark.parametrize("kind", ["sequential", "workers", "vectorized"])
@given(name=models, config=configs(), sizes=sizes_lists)
def test_an_update_leads_from_the_global_model_wherever_training_starts(kind, name, config, sizes):
    """Without the proximal term nothing but the start counts."""
    config = config.but(proximal=0.0)
    *_, elsewhere = tickets_of(build(name), [0, 0, 0])
    plain = Ticket(elsewhere.client, elsewhere.task, elsewhere.first, round=elsewhere.round)
    train = engine(name, kind, shards_of(sizes), config)
    (wanted,), (found,) = train([plain]), train([elsewhere])
    moved = replace(wanted, update=wanted.update + plain.origin - elsewhere.origin)
    assert_same(found, moved, TOLERANCE[torch.float64])


@pytest.mark.parametrize("kind", ["sequential", "workers", "vectorized"])
@given(name=models, size=st.integers(2, 9), lr=st.floats(1e-3, 1.0))
def test_one_step_over_all_data_is_fedsgd(kind, name, size, lr):
    shards, module = shards_of([size]), build(name)
    ticket = tickets_of(module, [0])[0]
    config = LocalTraining(lr=lr, batch_size=size)
    update = engine(name, kind, shards, config)([ticket])[0].update
    layout = ParameterLayout.of(module)
    layout.load(module, ticket.origin)
    cross_entropy(module.train()(shards.pool.x), shards.pool.y).backward()
    for entry in (e for e in layout.entries if not e.buffer):
        gradient = module.get_parameter(entry.name).grad
        wanted = torch.zeros(entry.shape, dtype=torch.float64) if gradient is None else -lr * gradient
        torch.testing.assert_close(update[entry.start : entry.stop].view(entry.shape), wanted, rtol=1e-9, atol=1e-9)
