import pytest
import torch

from fedprop.aggregators import Cohort, Krum, Mean, Region, WorkerMomentum
from fedprop.aggregators.columns import in_memory
from fedprop.oracles.worker_momentum import LATER_MISREADINGS, worker_momentum
from fedprop.properties.strategies import differ

STAGE = WorkerMomentum(beta=0.5)
PAST = [((3, 1), [[8.0], [0.0]]), ((1, 2), [[4.0], [2.0]])]


def played(stage: WorkerMomentum, *rounds: tuple[tuple[int, ...], list[list[float]]]) -> torch.Tensor:
    state = stage.init()
    for clients, rows in rounds:
        staged = stage.answer(Cohort(torch.tensor(rows, dtype=torch.float64), clients), state)
        state = staged.state
    return in_memory(staged.updates)


def test_by_hand() -> None:
    """Client 3 sends 8, then 0; client 1 sends 0, 4 and 6; client 2 is new with 2."""
    found = played(STAGE, *PAST, ((1, 3, 7), [[6.0], [0.0], [5.0]]))
    assert found.tolist() == [[4.0], [4.0], [5.0]]


def test_it_is_the_definition_over_rounds_and_no_misreading() -> None:
    draw = torch.Generator().manual_seed(0)
    rounds = [(tuple(torch.randperm(4, generator=draw)[:3].tolist()), torch.randn(3, 2, generator=draw).tolist())
              for _ in range(4)]  # fmt: skip
    last = torch.randn(4, 2, generator=draw, dtype=torch.float64).tolist()
    found = played(WorkerMomentum(beta=0.8), *rounds, ((0, 1, 2, 3), last))
    assert torch.allclose(found, torch.tensor(worker_momentum(last, 0.8, rounds), dtype=torch.float64), rtol=1e-12)
    for misread in LATER_MISREADINGS.values():
        assert differ(found.flatten().tolist(), torch.tensor(misread(last, 0.8, rounds)).flatten().tolist())


def test_a_client_with_two_rows_moves_twice() -> None:
    staged = STAGE.answer(Cohort(torch.tensor([[8.0], [0.0]]), (1, 1)), {1: torch.tensor([4.0])})
    assert in_memory(staged.updates).tolist() == [[6.0], [3.0]]
    assert staged.mixing.tolist() == [[0.5, 0.0], [0.25, 0.5]]


def test_the_state_handed_in_stays_as_it_was_and_none_shares_memory_with_the_rows() -> None:
    rows, state = torch.tensor([[8.0], [6.0]]), {1: torch.tensor([4.0])}
    after = STAGE.answer(Cohort(rows, (1, 2)), state).state
    rows.zero_()
    assert state == {1: torch.tensor([4.0])}
    assert after == {1: torch.tensor([6.0]), 2: torch.tensor([6.0])}


def test_a_chain_keeps_the_state_of_each_part() -> None:
    rule = STAGE >> WorkerMomentum(beta=0.0) >> Mean()
    first = rule.aggregate(torch.tensor([[4.0], [8.0]]))
    second = rule.aggregate(torch.tensor([[0.0], [0.0]]), first.state)
    assert (first.value.tolist(), second.value.tolist()) == ([6.0], [3.0])
    (inner, outer), *rest = second.state
    assert (inner, outer, rest) == ({0: torch.tensor([2.0]), 1: torch.tensor([4.0])}, inner, [None, None])


def test_rounds_of_one_claim_what_the_rule_claims_but_where_it_lies() -> None:
    contract = (STAGE >> Krum(f=1)).contract()
    assert (contract.translation, contract.orthogonal, contract.linear) == (True, True, False)
    assert (contract.lies_in, contract.kappa) == (Region.ANYWHERE, None)


@pytest.mark.parametrize("beta", [1.0, -0.1])
def test_beta_is_a_share(beta: float) -> None:
    with pytest.raises(ValueError, match="beta"):
        WorkerMomentum(beta=beta)
