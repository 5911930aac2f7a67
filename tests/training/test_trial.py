"""What cannot be trained is refused in one sentence, before anything runs."""

import threading

import pytest
import torch
from torch import nn

from fedprop.data.base import Examples
from fedprop.errors import InvalidConfig
from fedprop.training import LocalTraining, Shards
from fedprop.training.engine import choose_engine
from fedprop.training.trial import Batches, batches_of, try_evaluation


def answering(wrong, *, always=True):
    """A model that makes something else of its logits, or in training only."""

    class Net(nn.Linear):
        def forward(self, x):
            return wrong(super().forward(x)) if self.training or always else super().forward(x)

    return Net(4, 3)


def failing(error):
    def fail(logits):
        raise error

    return answering(fail)


def picky(size):
    def want(logits):
        if len(logits) <= size:
            raise AssertionError("too few")
        return logits

    return answering(want)


LOOSE = torch.ones((), requires_grad=True)
"""Requires a gradient, and is nobody's parameter."""


class Closed(nn.Module):
    """Computes with a function that its copies share with it."""

    def __init__(self):
        super().__init__()
        self.linear = nn.Linear(4, 3)
        self.function = lambda x: self.linear(x)

    def forward(self, x):
        return self.function(x)


class Counting(nn.Linear):
    """Remembers how often it was called, where no server sees it."""

    calls = 0

    def forward(self, x):
        self.calls += 1
        return super().forward(x) * self.calls


WRONG = {
    "tuple": (answering(lambda logits: (logits, 1)), r"must give logits of shape \[1, classes\].*; found tuple"),
    "mapping": (answering(lambda logits: {"logits": logits}), "must give logits .*; found dict"),
    "training only": (answering(lambda logits: (logits,), always=False), "must give logits .*; found tuple"),
    "integers": (answering(torch.Tensor.long), r"must give logits .*; found torch.int64 of shape \[1, 3\]"),
    "no classes": (answering(lambda logits: logits[:, 0]), r"must give logits .*; found torch.float32 of shape \[1\]"),
    "squeezed": (answering(torch.squeeze), r"must give logits of shape \[1, classes\].*; found .* of shape \[3\]"),
    "too few classes": (answering(lambda logits: logits[:, :1]), "must train on a batch of .*; found: IndexError"),
    "detached": (answering(torch.detach), "must have logits that follow from its parameters; found no gradient"),
    "closed": (Closed(), "must compute with its own parameters; found a tensor that has a gradient and is none"),
    "half closed": (nn.Sequential(nn.Linear(4, 4), Closed()), "must compute with its own parameters; found a tensor"),
    "no parameter": (answering(lambda logits: logits * LOOSE), "must compute with its own parameters; found a tensor"),
    "frozen": (nn.Linear(4, 3).requires_grad_(False), "must have a parameter that requires a gradient; found none"),
    "assert": (
        picky(1),
        r"must train on a batch of 1 example, the smallest .*out of 1, .*; found: AssertionError: too few \(test",
    ),
    "any error": (
        failing(LookupError("a\nb")),
        r"must train on a batch of .*; found: LookupError: a b \(test_trial.py",
    ),
    "exit": (failing(SystemExit(1)), "must train on a batch of .*; found: SystemExit: 1"),
    "shape": (nn.Linear(5, 3), "must train on a batch of .*; found: RuntimeError: mat1 and mat2 shapes cannot be"),
    "batch norm": (
        nn.Sequential(nn.BatchNorm1d(4), nn.Linear(4, 3)),
        "must train on a batch of 1 example, .*; found: ValueError: Expected mo",
    ),
    "memory": (
        Counting(4, 3),
        "must keep what it remembers from batch to batch in parameters or buffers; found another",
    ),
}


@pytest.mark.parametrize("kind", ["auto", "sequential", "workers", "vectorized"])
@pytest.mark.parametrize(("module", "sentence"), WRONG.values(), ids=WRONG)
def test_what_cannot_be_trained_is_refused_in_a_sentence(shards, module, sentence, kind):
    with pytest.raises(InvalidConfig, match=rf"^`model`: \w+ {sentence}") as caught:
        choose_engine(module, shards, LocalTraining(engine=kind))
    assert "\n" not in str(caught.value)


def test_a_sparse_gradient_that_adam_does_not_take_is_refused(shards):
    tokens = Shards(Examples(torch.arange(24)[:, None] % 5, shards.pool.y), shards.parts)
    module = nn.Sequential(nn.Embedding(5, 3, sparse=True), nn.Flatten())
    assert choose_engine(module, tokens, LocalTraining()).kind == "workers"
    with pytest.raises(InvalidConfig, match=r"^`model`: Sequential must take a step of adam; found: RuntimeError"):
        choose_engine(module, tokens, LocalTraining(optimizer="adam"))


@pytest.mark.parametrize(
    ("settings", "batches"),
    [
        ({"batch_size": 4}, Batches(1, 4, 1)),
        ({"batch_size": 4, "epochs": 1}, Batches(1, 4, 1)),
        ({"batch_size": 6, "steps": 1}, Batches(1, 6, 1)),
        ({"batch_size": 6, "epochs": 2}, Batches(1, 6, 7)),
        ({"batch_size": 32}, Batches(1, 12, 1)),
        ({"batch_size": 4, "privacy": {"noise_multiplier": 1.0}}, Batches(1, 4, 12)),
    ],
)
def test_the_batches_that_will_occur_are_known(shards, settings, batches):
    assert batches_of(shards, LocalTraining(**settings)) == batches


def test_a_batch_that_never_occurs_is_not_tried(shards):
    twelve = Shards(shards.pool, (shards.parts[2], shards.parts[4]))
    choose_engine(picky(3), twelve, LocalTraining(batch_size=4, epochs=1))
    with pytest.raises(InvalidConfig, match="a batch of 2 examples, the smallest that occurs"):
        choose_engine(picky(3), twelve, LocalTraining(batch_size=5, epochs=1))


def test_where_nobody_holds_anything_nothing_is_tried(shards):
    nobody = Shards(shards.pool, (shards.parts[2],) * 2)
    assert choose_engine(picky(100), nobody, LocalTraining()).kind == "vectorized"


@pytest.mark.parametrize(
    ("module", "sentence"),
    [
        (
            answering(lambda logits: (logits, 1)),
            r"must give logits of shape \[3, 3\], one tensor of floats; found tuple",
        ),
        (nn.Linear(4, 5), r"must give logits of shape \[3, 3\].*; found torch.float32 of shape \[3, 5\]"),
        (nn.Linear(3, 3), r"must accept inputs of shape \[4\]; found: RuntimeError: mat1"),
        (failing(LookupError()), r"must accept inputs of shape \[4\]; found: LookupError"),
        (Counting(4, 3), "must keep what it remembers .*; found another answer to the same inputs"),
        (
            nn.Flatten(),
            "must be one that can be sent as a vector; found: `module` must have parameters or buffers; found none",
        ),
    ],
    ids=["tuple", "classes", "inputs", "error", "memory", "no state"],
)
def test_what_cannot_be_evaluated_is_refused_in_a_sentence(module, sentence):
    with pytest.raises(InvalidConfig, match=rf"^`model`: \w+ {sentence}"):
        try_evaluation(module, torch.zeros(3, 4), 3)


def test_integers_that_are_no_tokens_are_told_how_to_become_inputs():
    with pytest.raises(
        InvalidConfig, match=r"inputs of shape \[4\], integers \(convert what are no tokens to float32\); found: "
    ):
        try_evaluation(nn.Linear(4, 3), torch.zeros(3, 4, dtype=torch.int64), 3)


def test_a_module_that_cannot_be_copied_is_refused(shards):
    module = nn.Linear(4, 3)
    module.lock = threading.Lock()
    with pytest.raises(InvalidConfig, match=r"^`model`: Linear must be one that can be copied; found: TypeError"):
        choose_engine(module, shards, LocalTraining())


def test_a_trial_leaves_generators_and_module_alone(pairs):
    module = nn.Sequential(nn.BatchNorm1d(4), nn.Linear(4, 3), nn.Dropout(0.5)).eval()
    before, state = {name: value.clone() for name, value in module.state_dict().items()}, torch.random.get_rng_state()
    choose_engine(module, pairs, LocalTraining())
    try_evaluation(module, pairs.pool.x[:3], 3)
    assert torch.equal(torch.random.get_rng_state(), state)
    assert all(torch.equal(before[name], value) for name, value in module.state_dict().items())
    assert not module.training
    assert all(parameter.grad is None for parameter in module.parameters())
