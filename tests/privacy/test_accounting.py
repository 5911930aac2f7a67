import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from opacus.accountants import RDPAccountant
from scipy.optimize import brentq
from scipy.stats import norm

from fedprop.errors import InvalidConfig
from fedprop.privacy import Cost, epsilon, noise_for
from fedprop.privacy.accounting import LARGE, ORDERS

DELTA = 1e-5


def exact(noise_multiplier, steps):
    """The epsilon of steps in which everybody takes part, from the definition (Balle and Wang 2018, Theorem 8)."""
    mu = math.sqrt(steps) / noise_multiplier

    def excess(e):
        return norm.cdf(mu / 2 - e / mu) - math.exp(e) * norm.cdf(-mu / 2 - e / mu) - DELTA

    return brentq(excess, 0.0, 300.0)


@pytest.mark.parametrize(("accountant", "slack"), [("rdp", 0.15), ("prv", 0.02)])
@pytest.mark.parametrize(("noise", "steps"), [(1.0, 5), (5.0, 3), (2.0, 40), (50.0, 1)])
def test_epsilon_is_an_upper_bound_and_a_good_one(accountant, slack, noise, steps):
    found, least = epsilon(noise, Cost(1.0, steps), delta=DELTA, accountant=accountant), exact(noise, steps)
    assert least <= found <= (1 + slack) * least + slack


@given(st.floats(0.5, 4.0), st.sampled_from([0.02, 0.3]), st.integers(1, 300))
@settings(max_examples=8)
def test_renyi_gives_what_opacus_adds_up_step_by_step(noise, rate, steps):
    accountant = RDPAccountant()
    accountant.history = [(noise, rate, steps)]
    wanted = accountant.get_epsilon(DELTA, alphas=ORDERS)
    assert epsilon(noise, Cost(rate, steps), delta=DELTA) == pytest.approx(wanted, rel=1e-9)


@given(st.floats(0.6, 4.0), st.sampled_from([0.05, 0.4, 1.0]), st.integers(1, 200))
@settings(max_examples=10)
def test_more_noise_fewer_steps_and_rarer_sampling_cost_less(noise, rate, steps):
    here = epsilon(noise, Cost(rate, steps), delta=DELTA)
    assert epsilon(noise + 0.1, Cost(rate, steps), delta=DELTA) < here
    assert epsilon(noise, Cost(rate, steps + 1), delta=DELTA) > here
    assert epsilon(noise, Cost(rate / 2, steps), delta=DELTA) < here


def test_numerical_composition_is_the_tighter_one():
    cost = Cost(0.1, 200)
    assert epsilon(1.0, cost, delta=DELTA, accountant="prv") < epsilon(1.0, cost, delta=DELTA)


@pytest.mark.parametrize("accountant", ["rdp", "prv"])
def test_no_steps_cost_nothing(accountant):
    assert epsilon(1.0, Cost(0.5, 0), delta=DELTA, accountant=accountant) == 0.0


def test_where_numerical_composition_has_no_room_renyi_answers():
    cost = Cost(1.0, 400)
    assert epsilon(0.5, cost, delta=DELTA, accountant="prv") == epsilon(0.5, cost, delta=DELTA) > LARGE


@pytest.mark.parametrize(("accountant", "target"), [("rdp", 0.05), ("rdp", 3.0), ("prv", 3.0), ("prv", 30.0)])
def test_the_noise_for_a_target_keeps_everybody_below_it_and_one_close(accountant, target):
    costs = [Cost(0.1, 30), Cost(1.0, 2), Cost(0.2, 0)]
    noise = noise_for(target, costs, delta=DELTA, accountant=accountant)
    reached = [epsilon(noise, cost, delta=DELTA, accountant=accountant) for cost in costs]
    assert max(reached) <= target
    closeness = 0.8 if accountant == "prv" and target > LARGE / 10 else 0.95
    assert max(reached) >= closeness * target or target < 0.1


def test_nobody_who_trains_needs_noise():
    assert noise_for(1.0, [Cost(0.1, 0)], delta=DELTA) == 0.0


def test_a_target_out_of_reach_is_refused():
    with pytest.raises(InvalidConfig, match="`target_epsilon` must be within reach of noise; found 1e-09"):
        noise_for(1e-9, [Cost(1.0, 1)], delta=DELTA)
