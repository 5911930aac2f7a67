from dataclasses import replace

import pytest
import torch

from fedprop.aggregators import AGGREGATORS, Mean
from fedprop.aggregators.assumed import AssumedRule
from fedprop.attacks import ATTACKS


def rule(kind, f):
    fields = AGGREGATORS.kinds[kind].model_fields
    return AGGREGATORS.parse({"kind": kind, **{k: v for k, v in {"f": f, "radius": 1.0}.items() if k in fields}})


ROWS = torch.randn(12, 5, generator=torch.Generator().manual_seed(2))


def seen_by(attack, view, own, benign):
    """What an attack sees of these rows, and the rule that it assumes as the simulator's adversary asks it."""
    assumed = AssumedRule(attack.assumes, Mean()).knowing(own, torch.zeros(5))
    return view(own.tolist(), benign.tolist(), assumed=assumed, dtype=torch.float32)


def test_crafted_rows_are_valid_input_for_any_rule(view):
    """Each attack before a quarter of the rules, and each rule behind a quarter of the attacks."""
    refused = []
    for place, attack in enumerate(ATTACKS.examples()):
        seen = seen_by(attack, view, ROWS[:2], ROWS[2:])
        rows = torch.cat([attack.answer(seen).rows, seen.others])
        for server in AGGREGATORS.examples()[place % 4 :: 4]:
            value, _ = AssumedRule(None, server).knowing(ROWS[2:], torch.zeros(5))(rows, 2)
            if not torch.isfinite(value).all() or value.dtype != torch.float32:
                refused.append((attack, server))
    assert not refused


def test_where_no_client_is_compromised_nothing_is_sent(view):
    for attack in ATTACKS.examples():
        some = seen_by(attack, view, ROWS[:2], ROWS[2:])
        nobody = replace(some, own=some.own[:0], clients=(), examples=())
        reply = attack.answer(nobody)
        assert reply.rows.shape == (0, 5), attack
        assert len(reply.examples) == len(reply.lateness) == 0, attack


@pytest.mark.parametrize("knowledge", ["partial", "full"])
def test_krum_selects_a_row_that_goes_the_other_way(view, knowledge):
    generator = torch.Generator().manual_seed(2)
    rows = 0.2 + torch.randn(25, 100, generator=generator)

    def krum(updates, f):
        return rule("krum", f).aggregate(updates)[:2]

    seen = view(rows[:5].tolist(), rows[5:].tolist(), assumed=krum)
    crafted = ATTACKS.parse({"kind": "fang_krum", "knowledge": knowledge}).answer(seen).rows
    before, _ = krum(seen.everyone, 5)
    after, weights = krum(torch.cat([seen.others, crafted]), 5)
    assert int(weights.argmax()) >= len(seen.others)
    assert before.sign() @ (before - after) > 0
