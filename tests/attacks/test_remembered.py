"""What an attack remembers is its own: the views that it saw may be written over."""

from copy import deepcopy
from dataclasses import replace

import pytest
import torch

from fedprop.aggregators import Median
from fedprop.aggregators.assumed import AssumedRule
from fedprop.attacks import ATTACKS, Attack, View
from fedprop.verify.attacks.inputs import Bowls
from tests.trees import same

REMEMBERING = [attack for attack in ATTACKS.examples() if type(attack).remember is not Attack.remember]


@pytest.mark.parametrize("attack", REMEMBERING, ids=lambda attack: attack.kind)
def test_memory_stays_as_it_was_when_the_view_is_overwritten(attack: Attack) -> None:
    draw, state = torch.Generator().manual_seed(0), None
    for round in range(2):
        own, benign, past = (torch.randn(many, 20, dtype=torch.float64, generator=draw) for many in (2, 5, 3))
        origin = torch.randn(20, dtype=torch.float64, generator=draw)
        seen = View(
            own,
            benign if attack.sees == "full" else None,
            origin,
            AssumedRule(None, Median()),
            torch.Generator().manual_seed(round),
            Bowls(),
            past=past[: attack.looks_back],
            received=7,
        )
        reply = attack.answer(replace(seen, state=state, round=round))
        kept = deepcopy(reply.state)
        for tensor in (own, benign, past, origin, reply.rows):
            tensor.fill_(77.0)
        assert same(reply.state, kept)
        state = kept
