import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import kstest

from fedprop import rng

int64s = st.integers(-(2**63), 2**63 - 1)
names = st.tuples(int64s, st.sampled_from(["train", "trai", "sample", ""]), st.lists(int64s, max_size=3).map(tuple))


def call(function, name):
    seed, role, counters = name
    return function(seed, role, *counters)


@given(names, names)
def test_different_names_give_different_keys_and_equal_ones_equal_keys(a, b):
    assert (call(rng.key, a) == call(rng.key, b)) == (a == b)


@given(names)
def test_keys_have_63_bits(name):
    assert 0 <= call(rng.key, name) < 2**63


def test_keys_are_the_same_in_every_process_and_release():
    assert rng.key(7, "train", 3, 4) == 1783068936105827443
    assert rng.key(0, "") == 4957648771862572837


@given(names)
def test_uniform_lies_strictly_between_0_and_1(name):
    assert 0.0 < call(rng.uniform, name) < 1.0


@pytest.mark.parametrize("extreme", [0, 2**64 - 1])
def test_fractions_lie_strictly_between_0_and_1_even_for_extreme_words(extreme):
    assert 0.0 < rng.fraction(extreme) < 1.0


@given(names, names)
def test_different_names_give_different_words_and_equal_ones_equal_words(a, b):
    assert (call(rng.words, a) == call(rng.words, b)) == (a == b)


@pytest.mark.parametrize("place", range(8))
def test_every_word_of_a_name_looks_uniform(place):
    draws = [rng.fraction(rng.words(1, "test", number)[place]) for number in range(2000)]
    assert kstest(draws, "uniform").pvalue > 0.001


def test_the_words_of_a_name_are_uncorrelated():
    rows = torch.tensor([[rng.fraction(word) for word in rng.words(2, "test", number)] for number in range(2000)])
    assert (torch.corrcoef(rows.T) - torch.eye(8)).abs().max() < 5 / 2000**0.5


def test_words_are_the_same_in_every_process_and_release():
    assert rng.words(7, "train", 3, 4)[::7] == (16328471944966472040, 5283665054231631900)


def test_uniform_draws_look_uniform_over_counters():
    draws = [rng.uniform(1, "test", client, number) for client in range(20) for number in range(200)]
    assert kstest(draws, "uniform").pvalue > 0.001


def test_draws_of_neighbouring_streams_are_uncorrelated():
    rows = torch.stack([torch.randn(2000, generator=rng.generator(0, "test", i)) for i in range(8)])
    correlations = torch.corrcoef(rows) - torch.eye(8)
    assert correlations.abs().max() < 5 / 2000**0.5


def test_a_generator_repeats_itself_and_leaves_the_global_one_alone():
    before = torch.random.get_rng_state()
    first, second = (torch.rand(5, generator=rng.generator(3, "train", 1, 2)) for _ in range(2))
    assert torch.equal(first, second)
    assert torch.equal(torch.random.get_rng_state(), before)


def test_a_generator_lives_on_the_cpu():
    assert rng.generator(0, "train").device.type == "cpu"
