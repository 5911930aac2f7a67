import pytest
import torch
from torch import nn

from fedprop.errors import InvalidConfig
from fedprop.privacy import refuse_leaks
from fedprop.training import LocalTraining, make_engine

X = torch.randn(5, 4, generator=torch.Generator().manual_seed(0))


class Centred(nn.Linear):
    """Takes off the mean of the batch, without a layer that says so."""

    def forward(self, x):
        return super().forward(x - x.mean(0))


class Attentive(nn.Linear):
    """Attends to the whole batch: hardly any example notices it, but some do."""

    def forward(self, x):
        return super().forward(torch.softmax(x @ x.T, dim=1) @ x)


class Counting(nn.Linear):
    """Counts the examples it saw."""

    def __init__(self):
        super().__init__(4, 3)
        self.register_buffer("seen", torch.zeros(()))

    def forward(self, x):
        self.seen += len(x)
        return super().forward(x)


@pytest.mark.parametrize(
    ("module", "found"),
    [
        (nn.Sequential(nn.Linear(4, 4), nn.BatchNorm1d(4)), "BatchNorm1d at '1'; .*ModuleValidator.fix puts GroupNorm"),
        (nn.BatchNorm1d(4, affine=False), "BatchNorm1d at ''; .* puts GroupNorm in its place"),
        (nn.LSTM(4, 3), "LSTM at ''; .* puts DPLSTM in its place"),
        (Centred(4, 3), "Centred.forward, which lets the examples of a batch change each other's logits"),
        (Attentive(4, 3), "Attentive.forward, which lets the examples of a batch change each other's logits"),
        (Counting(), "the buffer 'seen'; what never changes may be"),
    ],
)
def test_models_in_which_examples_meet_are_refused_with_the_remedy(module, found):
    with pytest.raises(
        InvalidConfig, match=f"`training.privacy` needs a model whose examples never meet; found {found}"
    ):
        refuse_leaks(module, X)


@pytest.mark.parametrize(
    "module",
    [nn.Linear(4, 3), nn.Sequential(nn.Linear(4, 4), nn.GroupNorm(2, 4), nn.Dropout(0.5))],
    ids=["linear", "group norm and dropout"],
)
def test_others_are_taken_and_left_as_they_are(module):
    before = {name: value.clone() for name, value in module.state_dict().items()}
    state = torch.random.get_rng_state()
    refuse_leaks(module, X)
    assert torch.equal(torch.random.get_rng_state(), state)
    assert all(torch.equal(before[name], value) for name, value in module.state_dict().items())


def test_only_private_training_refuses_them(shards):
    module, private = nn.BatchNorm1d(4), LocalTraining(privacy={"noise_multiplier": 1.0})
    make_engine(module, shards, LocalTraining(), 0)
    with pytest.raises(InvalidConfig, match="whose examples never meet"):
        make_engine(module, shards, private, 0)
