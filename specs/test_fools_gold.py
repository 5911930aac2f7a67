"""FoolsGold: what resembles another client's past counts for nothing, and a lone attacker keeps its credit.

**Source:** Fung, Yoon and Beschastnikh, RAID 2020, Algorithm 1.

**Definition.** In every round, whoever takes part in whatever order, answer and histories are those of the oracle.

**Theorem 1 (sybils).** Two clients of a round whose histories point the same way have no credit, whatever the others
send. *Proof.* Both have the largest cosine 1, so neither is pardoned; one minus it is 0.

**Theorem 2 (no help against one).** A client whose history has a positive cosine with nobody's has full credit.
*Proof.* The largest of its cosines and 0 is 0, and so is what is left of it; 1 is the largest credit there can be, and
the logit of 0.99 plus 0.5 exceeds 1.
"""

import torch
from hypothesis import assume, given
from hypothesis import strategies as st

from fedprop.aggregators import Cohort, FoolsGold
from fedprop.oracles.fools_gold import fools_gold_round
from fedprop.properties import Case, cases


@given(st.lists(cases(f=1, min_rows=3, max_dim=2), min_size=1, max_size=3), st.data())
def test_every_round_is_what_the_definition_says(rounds: list[Case], data: st.DataObject) -> None:
    rule, state, before, d = FoolsGold(), FoolsGold().init(), {}, rounds[0].rows.shape[1]
    for case in rounds:
        rows = case.rows.double()[:, [0] * d]
        clients = data.draw(st.permutations(range(len(rows) + 1)))[: len(rows)]
        answer = rule.aggregate(Cohort(rows, clients), state)
        expected, before = fools_gold_round(rows.tolist(), clients, before)
        scale = float(rows.abs().max()) * len(rows)
        assert float((answer.value - torch.tensor(expected, dtype=torch.float64)).abs().max()) <= 1e-8 * scale
        assert answer.state.keys() == before.keys()
        for client, history in answer.state.items():
            assert torch.allclose(history, torch.tensor(before[client], dtype=torch.float64), rtol=1e-12)
        state = answer.state


@given(cases(f=2, min_rows=4), st.sampled_from([0.125, 1.0, 3.0]))
def test_sybils_have_no_credit(case: Case, factor: float) -> None:
    rows = case.rows.double()
    rows[1] = factor * rows[0]
    assume(bool(rows[0].any()))
    assert FoolsGold().aggregate(rows).weights[:2].tolist() == [0.0, 0.0]


@given(cases(f=2, min_rows=4))
def test_a_lone_attacker_keeps_its_credit(case: Case) -> None:
    rows = torch.nn.functional.pad(case.rows.double(), (0, 1))
    rows[0] = torch.tensor([0.0] * (rows.shape[1] - 1) + [-5.0])
    assert float(FoolsGold().aggregate(rows).weights[0]) == 1.0
