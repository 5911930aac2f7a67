"""Every misreading is wrong on some small input, and inputs that tell can be drawn."""

import inspect
from random import Random

import pytest
import torch
from hypothesis import Phase, find, settings
from hypothesis.errors import NoSuchExample

from fedprop.aggregators import AGGREGATORS, POSTPROCESSORS, STAGES, Aggregator
from fedprop.oracles import MISREADINGS, ORACLES
from fedprop.oracles.server_side import server_knowing
from fedprop.properties import cases
from fedprop.properties.strategies import differ

ATTEMPTS = 15
KINDS = {**AGGREGATORS.kinds, **STAGES.kinds, **POSTPROCESSORS.kinds}


def flat(answer):
    return torch.tensor(answer).flatten().tolist()


def asked(reading, known):
    """What of this it takes, and the same random numbers for everybody who takes any."""
    wanted = inspect.signature(reading).parameters
    drawn = {"generator": torch.Generator().manual_seed(0)} if "generator" in wanted else {}
    return {name: value for name, value in known.items() if name in wanted} | drawn


def tells(kind, wrong, example):
    """Whether a case shows that `wrong` is not the definition, both set as `example` is."""
    right = ORACLES[kind]
    own = {name: value for name, value in example if name != "kind" and not isinstance(value, Aggregator)}

    def shown(case):
        rows = case.rows.double().tolist()
        server = server_knowing(rows[0])
        rows = rows[1:] if asked(right, server) else rows
        rows = rows[0] if kind in POSTPROCESSORS.kinds else rows
        first, second = (flat(reading(rows, **asked(reading, {**server, **own}))) for reading in (right, wrong))
        return len(first) != len(second) or differ(first, second)

    return shown


def told_apart(kind, wrong):
    """Whether it differs from the definition in one of the configurations worth trying that it has, too.

    For some one input in two hundred tells, in one configuration alone, and which are drawn depends on all imports.
    """
    few = settings(max_examples=200, database=None, phases=[Phase.generate])
    for attempt in range(ATTEMPTS):
        for example in KINDS[kind].examples():
            enough = max(8, getattr(example, "min_rows", 0) + 1)
            try:
                drawn, shown = cases(f=0, min_rows=enough, extra=2), tells(kind, wrong, example)
                found = find(drawn, shown, settings=few, random=Random(attempt))
            except NoSuchExample:
                continue
            assert len(found.rows) >= enough
            return True
    return False


@pytest.mark.parametrize("kind", sorted(MISREADINGS.keys() & KINDS.keys()))
def test_each_misreading_differs_from_the_definition(kind):
    assert [name for name, wrong in MISREADINGS[kind].items() if not told_apart(kind, wrong)] == []
