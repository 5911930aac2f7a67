"""Every misreading is wrong on some small input, and inputs that tell can be drawn."""

import inspect

import pytest
import torch
from hypothesis import find, settings
from hypothesis.errors import NoSuchExample

from fedprop.aggregators import AGGREGATORS, POSTPROCESSORS, STAGES
from fedprop.oracles import ORACLES
from fedprop.oracles.misreadings import MISREADINGS
from fedprop.oracles.server_side import server_knowing
from fedprop.properties import cases
from fedprop.properties.strategies import differ

PARAMETERS = {
    "krum": {"f": 1},
    "bulyan": {"f": 1},
    "trimmed_mean": {"f": 1},
    "mean_around_median": {"f": 1},
    "centered_clipping": {"radius": 1.0},
    "nearest_neighbour_mixing": {"f": 1},
    "norm_clipping": {"max_norm": 1.0},
    "bucketing": {"s": 2},
    "gaussian_noise": {"std": 0.5},
    "model_clipping": {"max_norm": 1.0},
    "moving_average": {"alpha": 0.25},
    "loss_rejection": {"f": 2},
    "zeno": {"b": 2, "rho": 0.5},
}
ALL = [(kind, name) for kind, known in MISREADINGS.items() for name in known]


def flat(answer):
    return torch.tensor(answer).flatten().tolist()


def drawing(reading):
    """The same random numbers for everybody who takes any."""
    takes = "generator" in inspect.signature(reading).parameters
    return {"generator": torch.Generator().manual_seed(0)} if takes else {}


@pytest.mark.parametrize(("kind", "name"), ALL, ids=str)
def test_a_misreading_differs_from_the_definition(kind, name):
    right, wrong = ORACLES[kind], MISREADINGS[kind][name]
    asked = server_knowing([0.0]).keys() & inspect.signature(right).parameters

    def tells(case):
        rows = case.rows.double().tolist()
        known = server_knowing(rows.pop(0)) if asked else {}
        given = {**{name: known[name] for name in asked}, **PARAMETERS.get(kind, {})}
        rows = rows[0] if kind in POSTPROCESSORS.kinds else rows
        first, second = (flat(reading(rows, **given, **drawing(reading))) for reading in (right, wrong))
        return len(first) != len(second) or differ(first, second)

    try:
        case = find(cases(f=0, min_rows=7, extra=2), tells, settings=settings(max_examples=500, database=None))
    except NoSuchExample:
        pytest.fail(f"{name} is no misreading of {kind}")
    assert len(case.rows) >= 7


def test_every_kind_has_misreadings():
    assert {**AGGREGATORS.kinds, **STAGES.kinds, **POSTPROCESSORS.kinds}.keys() == MISREADINGS.keys()
