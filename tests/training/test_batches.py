import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from fedprop.privacy import LocalPrivacy
from fedprop.training import LocalTraining
from fedprop.training.batches import batch_sizes, draw, plan, sizes_that_occur

sizes = st.integers(1, 30)
POISSON = LocalPrivacy(noise_multiplier=1.0)


def batches_of(examples, seed=0, **config):
    return plan(examples, LocalTraining(**config), torch.Generator().manual_seed(seed))


@given(sizes, sizes, st.integers(1, 3))
def test_an_epoch_sees_every_example_once(examples, batch_size, epochs):
    batches = batches_of(examples, batch_size=batch_size, epochs=epochs)
    per_epoch = len(batches) // epochs
    for epoch in range(epochs):
        seen = torch.cat(batches[epoch * per_epoch : (epoch + 1) * per_epoch])
        assert sorted(seen.tolist()) == list(range(examples))


@given(sizes, sizes, st.integers(1, 50))
def test_steps_go_through_the_data_in_rounds(examples, batch_size, steps):
    batches = batches_of(examples, batch_size=batch_size, steps=steps)
    assert len(batches) == steps
    drawn = torch.cat(batches).tolist()
    for start in range(0, len(drawn), examples):
        one_pass = drawn[start : start + examples]
        assert len(set(one_pass)) == len(one_pass)


@given(sizes, sizes, st.integers(1, 50))
def test_batches_are_full_but_for_the_last_of_a_pass(examples, batch_size, steps):
    per_pass = -(-examples // batch_size)
    for i, batch in enumerate(batches_of(examples, batch_size=batch_size, steps=steps)):
        last = i % per_pass == per_pass - 1
        assert len(batch) == (examples - (per_pass - 1) * batch_size if last else batch_size)


@given(sizes, st.integers(1, 20), st.integers(1, 20))
def test_fewer_steps_are_a_beginning_of_more(examples, few, more):
    short, long = (batches_of(examples, steps=steps, batch_size=4) for steps in sorted((few, more)))
    assert all(torch.equal(a, b) for a, b in zip(short, long, strict=False))


@given(sizes, sizes, st.integers(1, 50))
def test_batches_are_cut_from_what_is_drawn(examples, batch_size, steps):
    config = LocalTraining(batch_size=batch_size, steps=steps)
    batches = batches_of(examples, batch_size=batch_size, steps=steps)
    assert batch_sizes(examples, config) == [len(batch) for batch in batches]
    drawn, lengths = draw(examples, config, torch.Generator().manual_seed(0))
    assert torch.equal(drawn, torch.cat(batches))
    assert lengths == [len(batch) for batch in batches]


def test_a_client_without_examples_takes_no_step():
    assert batches_of(0, epochs=3) == batches_of(0, steps=3) == []


def test_the_order_is_the_streams_own():
    orders = [torch.cat(batches_of(20, seed=seed, epochs=1)).tolist() for seed in (0, 0, 1)]
    assert orders[0] == orders[1] != orders[2]


def test_each_pass_has_an_order_of_its_own():
    first, second = batches_of(20, epochs=2)
    assert first.tolist() != second.tolist()


@given(sizes, sizes, st.integers(1, 50))
def test_poisson_batches_are_increasing_subsets_of_any_size(examples, batch_size, steps):
    batches = batches_of(examples, batch_size=batch_size, steps=steps, privacy=POISSON)
    assert len(batches) == steps
    for batch in batches:
        assert batch.tolist() == sorted(set(batch.tolist()))
        assert len(batch) == examples or batch_size < examples


def test_poisson_batches_hold_each_example_as_often_as_the_rate_says():
    counts = torch.bincount(torch.cat(batches_of(10, batch_size=3, steps=4000, privacy=POISSON)))
    assert counts.tolist() == pytest.approx([1200] * 10, rel=0.1)
    sizes = torch.tensor([float(len(batch)) for batch in batches_of(10, batch_size=3, steps=4000, privacy=POISSON)])
    assert sizes.var().item() == pytest.approx(10 * 0.3 * 0.7, rel=0.1)
    assert sizes.min() == 0


def test_a_client_without_examples_draws_no_coin():
    assert batches_of(0, epochs=3, privacy=POISSON) == []


@given(st.integers(0, 30), sizes, st.sampled_from([{}, {"steps": 1}, {"steps": 7}, {"epochs": 1}, {"epochs": 2}]))
def test_the_sizes_that_occur_are_known_without_all_batches(examples, batch_size, length):
    config = LocalTraining(batch_size=batch_size, **length)
    assert sizes_that_occur(examples, config) == set(batch_sizes(examples, config))


def test_a_poisson_sample_may_be_as_small_as_one_example():
    config = LocalTraining(batch_size=4, privacy=POISSON)
    assert [sizes_that_occur(examples, config) for examples in (0, 3, 9)] == [set(), {1, 3}, {1, 4}]
