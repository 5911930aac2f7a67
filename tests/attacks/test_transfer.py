import pytest
import torch

from fedprop.aggregators import AGGREGATORS, Cohort, Reference
from fedprop.attacks import ATTACKS


def rule(kind, f):
    fields = AGGREGATORS.kinds[kind].model_fields
    return AGGREGATORS.parse({"kind": kind, **{k: v for k, v in {"f": f, "radius": 1.0}.items() if k in fields}})


@pytest.mark.parametrize("knowledge", ["partial", "full"])
@pytest.mark.parametrize("attack", ATTACKS.kinds)
@pytest.mark.parametrize("server", AGGREGATORS.kinds)
def test_crafted_rows_are_valid_input_for_any_rule(view, attack, knowledge, server):
    offers = "knowledge" in ATTACKS.kinds[attack].model_fields
    attack = ATTACKS.parse({"kind": attack, "knowledge": knowledge} if offers else attack)
    rows = torch.randn(12, 5, generator=torch.Generator().manual_seed(2)).tolist()

    def assumed(updates, f):
        return rule(attack.assumes, f).aggregate(updates)[:2]

    seen = view(rows[:2], rows[2:], assumed=assumed, dtype=torch.float32)
    received = Cohort(torch.cat([attack.answer(seen).rows, seen.others]), server=Reference(seen.others[0]))
    aggregate = rule(server, 2).aggregate(received).value
    assert torch.isfinite(aggregate).all()
    assert aggregate.dtype == torch.float32


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
