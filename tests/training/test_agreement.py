"""A stack of clients of unequal sizes must learn what they learn alone; where it does not, another engine trains."""

import warnings

import pytest
import torch
from torch import nn
from torch.nn.functional import batch_norm
from torch.utils.checkpoint import checkpoint

from fedprop.data.base import Examples
from fedprop.errors import InvalidConfig
from fedprop.params import ParameterLayout, copy_module
from fedprop.training import LocalTraining, Shards, Ticket, make_engine
from fedprop.training.engine import choose_engine
from fedprop.training.sequential import Sequential

PRIVATE = {"noise_multiplier": 1.0}


def steady(module):
    """With the same weights each time."""
    draw = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.copy_(0.5 * torch.randn(parameter.shape, generator=draw))
    return module


def linear(before=lambda x: x, after=lambda x: x):
    class Net(nn.Linear):
        def forward(self, x):
            return after(super().forward(before(x)))

    return Net(4, 3)


class Recurrent(nn.Module):
    def __init__(self, kind):
        super().__init__()
        self.core = kind(1, 3, batch_first=True)

    def forward(self, x):
        return self.core(x[:, :, None])[0][:, -1]


class Checkpointed(nn.Linear):
    def forward(self, x):
        return checkpoint(super().forward, x, use_reentrant=False)


def masked(logits):
    logits = logits.clone()
    logits[logits > 0.5] = 0.5
    return logits


def compiled(how, *given):
    """By TorchScript, whose makers have deprecated it."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        return how(*given)


class Tokens(nn.Module):
    def __init__(self, kind=nn.Embedding, **settings):
        super().__init__()
        self.vectors = kind(6, 3, **settings)
        self.linear = nn.Linear(3, 3)

    def forward(self, x):
        found = self.vectors(x)
        return self.linear(found.mean(1) if found.ndim == 3 else found)


MIXING = {
    "batch_norm": linear(lambda x: batch_norm(x, None, None, training=True)),
    "centred": linear(lambda x: x - x.mean(0)),
    "attention": linear(lambda x: torch.softmax(x @ x.T, dim=1) @ x),
}
"""Examples of a batch change each other's logits, so that padding would."""

NOT_BATCHED = {
    "gru": Recurrent(nn.GRU),
    "item": linear(lambda x: x * x.mean().item()),
    "branch": linear(after=lambda x: -x if x.sum() > 0 else x),
    "boolean index": linear(after=masked),
    "checkpoint": Checkpointed(4, 3),
    "script": compiled(torch.jit.script, nn.Sequential(nn.Linear(4, 3), nn.ReLU())),
    "trace": compiled(torch.jit.trace, nn.Linear(4, 3), torch.zeros(2, 4)),
}
"""`vmap` cannot do them."""

TOKENS = {
    "bag": Tokens(nn.EmbeddingBag, padding_idx=0),
    "longest": Tokens(max_norm=0.5),
    "by frequency": Tokens(scale_grad_by_freq=True),
    "sparse": Tokens(sparse=True),
}
OTHERWISE = {name: steady(module) for name, module in {**MIXING, **NOT_BATCHED, **TOKENS}.items()}


@pytest.fixture
def tokens(pairs):
    """The same clients with token ids in place of numbers; 0 is padding."""
    ids = torch.randint(1, 6, (24, 4), generator=torch.Generator().manual_seed(1))
    ids[:, 3] = 0
    return Shards(Examples(ids, pairs.pool.y), pairs.parts)


@pytest.fixture
def data(request, pairs, tokens):
    return lambda module: tokens if isinstance(module, Tokens) else pairs


def learnt(train, module, clients=(4, 0, 3, 1)):
    origin = ParameterLayout.of(module).flatten(module)
    return torch.stack([result.update for result in train([Ticket(client, client, origin) for client in clients])])


@pytest.mark.parametrize("module", OTHERWISE.values(), ids=OTHERWISE)
def test_auto_takes_another_engine_and_says_so(data, module):
    shards, config = data(module), LocalTraining(batch_size=5, epochs=1)
    choice = choose_engine(module, shards, config)
    assert choice.kind == "workers"
    assert choice.reason.startswith("the model does not train in a stack as it does alone: ")
    wanted = learnt(Sequential(copy_module(module), shards, config, 0), module)
    assert torch.equal(learnt(make_engine(module, shards, config, 0), module), wanted)


@pytest.mark.parametrize("module", OTHERWISE.values(), ids=OTHERWISE)
def test_vectorized_is_refused(data, module):
    with pytest.raises(
        InvalidConfig, match=r"^`engine` must not be vectorized for a model that does not train in a stack"
    ):
        choose_engine(module, data(module), LocalTraining(engine="vectorized"))


def test_the_difference_is_told():
    """Two of four examples are padding, which takes off another mean."""
    x = torch.tensor([[0.0], [1.0], [2.0], [3.0]]).repeat(2, 4)
    shards = Shards(Examples(x, torch.arange(8) % 3), (torch.arange(4), torch.arange(4, 6)))
    choice = choose_engine(MIXING["centred"], shards, LocalTraining())
    assert choice.reason.endswith("apart in 'weight'")


@pytest.mark.parametrize(
    "module",
    [
        nn.Linear(4, 3),
        nn.Sequential(nn.BatchNorm1d(4), nn.Linear(4, 3)),
        nn.Sequential(nn.LayerNorm(4), nn.Linear(4, 4), nn.GroupNorm(2, 4), nn.ReLU(), nn.Linear(4, 3)),
        nn.Linear(4, 3).to(torch.bfloat16),
        Tokens(),
        Tokens(padding_idx=0),
        Tokens(padding_idx=-6),
    ],
    ids=["linear", "batch norm", "others", "half precision", "tokens", "padding", "negative padding"],
)
def test_what_learns_in_a_stack_what_it_learns_alone_is_stacked(data, module):
    shards = data(module)
    if module.state_dict() and next(module.parameters()).dtype == torch.bfloat16:
        shards = Shards(Examples(shards.pool.x.to(torch.bfloat16), shards.pool.y), shards.parts)
    choice = choose_engine(module, shards, LocalTraining(engine="vectorized"))
    assert (choice.kind, choice.reason) == ("vectorized", "")


@pytest.mark.parametrize("privacy", [None, PRIVATE], ids=["plain", "private"])
@pytest.mark.parametrize("kind", ["auto", "sequential", "workers", "vectorized"])
def test_no_client_trains_the_vector_that_stands_for_padding(tokens, kind, privacy):
    """But for noise, which is as large wherever it falls; so there is hardly any here."""
    privacy = privacy and {"noise_multiplier": 1e-6, "sampling": "batches"}
    module, config = Tokens(padding_idx=0), LocalTraining(epochs=2, batch_size=4, engine=kind, privacy=privacy)
    updates = learnt(make_engine(module, tokens, config, 0), module)
    padding = updates[:, ParameterLayout.of(module).slices["vectors.weight"]].view(4, 6, 3)[:, 0]
    assert float(padding.abs().max()) <= (0.0 if privacy is None else 1e-6)
    assert (updates.abs().amax(1) > 1e-3).all()


@pytest.mark.parametrize("kind", ["auto", "sequential", "vectorized"])
@pytest.mark.parametrize("name", ["checkpoint", "boolean index"])
def test_what_cannot_be_differentiated_one_by_one_is_not_trained_privately(pairs, name, kind):
    with pytest.raises(
        InvalidConfig, match=f"^`training.privacy` needs a model whose examples `engine` {kind} can diff"
    ):
        choose_engine(NOT_BATCHED[name], pairs, LocalTraining(engine=kind, privacy=PRIVATE))


def test_private_training_goes_one_by_one_where_it_cannot_be_stacked(tokens):
    choice = choose_engine(TOKENS["longest"], tokens, LocalTraining(privacy=PRIVATE))
    assert (choice.kind, bool(choice.reason)) == ("workers", True)


def test_those_exempt_from_privacy_have_an_engine_of_their_own(tokens):
    choice = choose_engine(TOKENS["by frequency"], tokens, LocalTraining(privacy=PRIVATE), exempt=True)
    assert (choice.kind, choice.others.kind) == ("vectorized", "workers")
