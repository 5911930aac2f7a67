"""Private training of many clients at once is opacus's training of one client at a time.

Statement. For every model, configuration and set of tickets, DP-SGD and DP-Adam (Abadi et al. 2016, Algorithm 1) with
or without adaptive clipping (Andrew et al. 2021, Algorithm 1), in Poisson samples or batches:

1. clients stacked, and clients one by one through opacus, give the same updates and step counts up to rounding: the
   same noise, and the same sum of clipped gradients;
2. one example more or less changes one step's gradient by at most C / B, which is what the noise is made for;
3. what no noise covers does not leave the client: the loss is zero.

Tolerance: 1e-9 in float64, as for training that is not private.

Reason for 1: each ticket's noise is drawn from a stream of its own, parameter by parameter, whoever trains it, and what
is padded is masked out.
"""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from test_training_engines_agree import assert_same, build, lengths, shards_of, sizes_lists, tickets_of
from torch import Tensor

from fedprop.data.base import Examples
from fedprop.privacy import LocalPrivacy, QuantileClipping
from fedprop.training import LocalTraining, Shards
from fedprop.training.engine import EngineChoice, build_engine

MODELS = st.sampled_from(["logistic", "mlp", "half frozen", "idle weight", "cnn", "tokens"])


@st.composite
def privacies(draw: st.DrawFn) -> LocalPrivacy:
    return LocalPrivacy(
        clip_norm=draw(st.sampled_from([0.1, 1.0, 10.0])),
        noise_multiplier=draw(st.sampled_from([1e-3, 1.0])),
        sampling=draw(st.sampled_from(["poisson", "batches"])),
        quantile=draw(st.none() | st.builds(QuantileClipping, quantile=st.sampled_from([0.1, 0.5, 1.0]))),
    )


@st.composite
def configs(draw: st.DrawFn) -> LocalTraining:
    return LocalTraining(
        **draw(lengths),
        **draw(st.sampled_from([{}, {"momentum": 0.9}, {"optimizer": "adam"}])),
        lr=0.1,
        batch_size=draw(st.integers(1, 6)),
        weight_decay=draw(st.sampled_from([0.0, 0.01])),
        proximal=draw(st.sampled_from([0.0, 0.5])),
        privacy=draw(privacies()),
    )


@given(MODELS, configs(), sizes_lists, st.data())
def test_stacking_gives_what_opacus_gives(name, config, sizes, data):
    clients = data.draw(st.lists(st.integers(0, len(sizes) - 1), min_size=1, max_size=5))
    shards, tickets = shards_of(sizes), tickets_of(build(name), clients)
    slow, fast = (
        build_engine(EngineChoice(kind, "none"), build(name), shards, config, 11)(tickets)
        for kind in ("sequential", "vectorized")
    )
    for wanted, found in zip(slow, fast, strict=True):
        assert_same(found, wanted, 1e-9)
        assert found.loss == 0.0


@pytest.mark.parametrize("kind", ["sequential", "vectorized"])
@given(name=MODELS, clip=st.floats(0.01, 10.0), size=st.integers(2, 8))
def test_one_example_moves_a_step_by_at_most_the_clipping_norm(kind, name, clip, size):
    """Two clients train on the same examples, but for one that the second lacks, with the same noise."""
    with_it, without = _step(kind, name, clip, size), _step(kind, name, clip, size, lacks=1)
    assert float((with_it - without).norm()) <= clip / size + 1e-9


def _step(kind: str, name: str, clip: float, size: int, *, lacks: int = 0) -> Tensor:
    """One step's gradient, times -1, divided by `size`; the batch size makes both see all they have."""
    pool = shards_of([size]).pool
    shards = Shards(Examples(1e3 * pool.x, pool.y), (torch.arange(size - lacks),))
    privacy = LocalPrivacy(clip_norm=clip, noise_multiplier=1.0)
    config = LocalTraining(lr=1.0, batch_size=size, privacy=privacy)
    train = build_engine(EngineChoice(kind, "none"), build(name), shards, config, 11)
    update = train(tickets_of(build(name), [0]))[0].update
    return update * (size - lacks) / size
