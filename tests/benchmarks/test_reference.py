"""The references for wide rows answer as the definitions do, which take a while, and as the fast rules."""

import pytest
import torch

from benchmarks.aggregation import RULES, Size, close_rows, judge, spread_rows
from benchmarks.contenders import OURS, contenders
from benchmarks.reference import REFERENCES, embed, weights_of
from fedprop.oracles import ORACLES

SIZE = Size(n=11, f=2, d=40)
CPU = torch.device("cpu")
DEFINITIONS = {
    "median": lambda rows: ORACLES["median"](rows),
    "trimmed mean": lambda rows: ORACLES["trimmed_mean"](rows, 2),
    "Krum": lambda rows: ORACLES["krum"](rows, 2),
    "Multi-Krum": lambda rows: ORACLES["krum"](rows, 2, 9),
    "geometric median": lambda rows: ORACLES["geometric_median"](rows),
    "nearest-neighbour mixing": lambda rows: ORACLES["nearest_neighbour_mixing"](rows, 2),
    "mean around median": lambda rows: ORACLES["mean_around_median"](rows, 2),
    "centered clipping": lambda rows: ORACLES["centered_clipping"](rows, 100.0),
    "Bulyan": lambda rows: ORACLES["bulyan"](rows, 2),
}


@pytest.mark.parametrize("rule", DEFINITIONS)
def test_a_reference_is_the_definition_at_the_wanted_columns(rule):
    rows, columns = spread_rows(SIZE, CPU), torch.tensor([0, 7, 39])
    whole = torch.tensor(DEFINITIONS[rule](rows.double().tolist()), dtype=torch.float64)
    assert torch.allclose(REFERENCES[rule](rows, SIZE.f, columns), whole[..., columns], atol=1e-9)


@pytest.mark.parametrize("rule", [rule for rule in RULES if rule in REFERENCES])
@pytest.mark.parametrize("make", [spread_rows, close_rows])
def test_fedprop_is_right_on_both_inputs(rule, make):
    rows, unit = make(SIZE, CPU), 1e-3 if make is close_rows else 1.0
    error = judge(rule, SIZE.f, rows, unit)
    for contender in contenders(rule, SIZE.n, SIZE.f, CPU):
        if contender.library == OURS:
            assert error(contender.call(rows)) < 0.1


def test_a_wrong_pick_among_close_rows_shows():
    """The reason for that input: another row is several spreads away."""
    rows = close_rows(SIZE, CPU)
    right = next(c for c in contenders("Krum", SIZE.n, SIZE.f, CPU) if c.library == OURS).call(rows)
    other = next(row for row in rows if not torch.equal(row, right))
    assert judge("Krum", SIZE.f, rows, 1e-3)(other) > 1


def test_an_answer_of_another_shape_is_not_compared():
    rows = spread_rows(SIZE, CPU)
    assert judge("nearest-neighbour mixing", SIZE.f, rows, 1.0)(rows[0]) is None


def test_embedding_keeps_all_distances():
    rows = spread_rows(Size(7, 1, 5000), CPU).double()
    assert torch.allclose(torch.cdist(embed(rows), embed(rows)), torch.cdist(rows, rows))


def test_weights_are_found_again():
    places, weights = embed(spread_rows(SIZE, CPU)), torch.linspace(-1, 2, SIZE.n, dtype=torch.float64)
    weights /= weights.sum()
    assert torch.allclose(weights_of(weights @ places, places), weights)
