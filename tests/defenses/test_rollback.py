import torch
from hypothesis import given
from hypothesis import strategies as st

from fedprop.defenses import Lineage, rebase
from fedprop.oracles.siren_plus import rolled_back

numbers = st.floats(-10.0, 10.0)
models = st.lists(numbers, min_size=2, max_size=2)


def vector(values):
    return torch.tensor(values, dtype=torch.float64)


@given(models, models, st.lists(models, min_size=1, max_size=4), st.data())
def test_it_is_the_step_to_the_clients_models(previous, current, updates, data):
    weights = data.draw(st.lists(st.floats(0.0, 1.0), min_size=len(updates), max_size=len(updates)))
    rows = rebase(vector(updates), vector(current), vector(previous))
    new = vector(previous) + vector(weights) @ rows
    torch.testing.assert_close(new, vector(rolled_back(previous, current, updates, weights)), rtol=0, atol=1e-12)


@given(models, models, st.lists(models, min_size=1, max_size=4))
def test_with_weights_that_sum_to_one_it_is_the_mean_of_the_clients_models(previous, current, local):
    updates = vector(local) - vector(current)
    new = vector(previous) + rebase(updates, vector(current), vector(previous)).mean(dim=0)
    torch.testing.assert_close(new, vector(local).mean(dim=0), rtol=0, atol=1e-12)


def test_the_formula_as_printed_takes_the_poison_back_twice():
    clean, poison = vector([1.0, 2.0]), vector([100.0, -100.0])
    current, local = clean + poison, clean + 0.5
    update = local - current
    assert torch.equal(clean + update, local - poison)
    assert torch.equal(clean + rebase(update[None], current, clean)[0], local)


def test_the_updates_are_left_as_they_are():
    updates = torch.ones(2, 3)
    rebase(updates, torch.ones(3), torch.zeros(3))
    assert torch.equal(updates, torch.ones(2, 3))


@given(st.lists(st.booleans(), max_size=20))
def test_rollbacks_lead_to_the_last_model_replaced_without_one(rollbacks):
    line, replaced = Lineage(0, 0), [0]
    for new, back in enumerate(rollbacks, start=1):
        if not back:
            replaced.append(line.current)
        line = line.then(new, rolled_back=back)
        assert line == (new, replaced[-1])
