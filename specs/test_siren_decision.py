"""SIREN+'s decision is that of Algorithm 2, whatever the alarms, accuracies and updates are.

**Theorem (Guo et al. 2024, Algorithm 2 and Section 4.5).** The decision process is total: it names one of its cases and
at least one update to aggregate, for every round with a client that is not banned. It depends on no order of the
clients, takes nothing from banned ones into account, and asks for no more accuracies than its case needs.

What the decision is worth, and what must hold for that, is proved in `specs/proofs/test_siren_decision.py`.
"""

from dataclasses import dataclass

import torch
from hypothesis import event, example, given
from hypothesis import strategies as st

from fedprop.defenses.siren_plus import Case, Decision, RootTest, Verdict, decide
from fedprop.oracles.siren_plus import siren_plus

NAMES = {
    Case.QUIET: "1 or 2",
    Case.FALSE_ALARMS: "3 false alarms",
    Case.TRUE_ALARMS: "3 true alarms",
    Case.DIVERGENT: "4",
}


@dataclass(frozen=True)
class Round:
    """What the server knows about n clients."""

    alarms: tuple[bool, ...]
    accuracies: tuple[float, ...]
    updates: tuple[tuple[int, int], ...]

    def take(self, rows: list[int]) -> "Round":
        alarms, accuracies, updates = zip(
            *((self.alarms[row], self.accuracies[row], self.updates[row]) for row in rows), strict=True
        )
        return Round(alarms, accuracies, updates)


class Asked(RootTest):
    """Evidence from a written round, and which accuracies were asked for."""

    def __init__(self, round: Round) -> None:
        super().__init__(torch.tensor(round.updates, dtype=torch.float32), self.forbidden)
        self.round = round
        self.rows: list[int] = []

    def forbidden(self, candidates: torch.Tensor) -> torch.Tensor:
        raise AssertionError

    def accuracy(self, row: int) -> float:
        self.rows.append(row)
        return self.round.accuracies[row]


# Few values, so that ties, zeros and accuracies on the margin are common.
accuracies = st.sampled_from([0.0, 0.1, 0.8, 0.81, 0.9, 1.0])
updates = st.tuples(st.integers(-2, 2), st.integers(-2, 2))
rounds = st.lists(st.tuples(st.booleans(), accuracies, updates), min_size=1, max_size=6).map(
    lambda clients: Round(*zip(*clients, strict=True))
)
margins = st.sampled_from([0.04, 0.1, 0.15, 0.5])
ALL_ZERO = Round((True, True, False), (0.0, 0.0, 0.0), ((1, 0), (1, 0), (1, 0)))
NOBODY_SILENT = Round((True, True), (0.9, 0.1), ((1, 0), (1, 0)))
TIED_AND_REVERSE = Round((True, True), (0.9, 0.9), ((1, 0), (-1, 0)))


def accepted(decision: Decision) -> set[int]:
    return {row for row, used in enumerate(decision.accepted) if used}


@given(rounds, margins, st.booleans())
@example(ALL_ZERO, 0.1, True)
@example(NOBODY_SILENT, 0.1, True)
@example(TIED_AND_REVERSE, 0.1, True)
def test_it_is_algorithm_2(round: Round, c_s: float, weight_check: bool) -> None:
    decision = decide(round.alarms, Asked(round), c_s=c_s, weight_check=weight_check)
    event(decision.case.name)
    case, benign = siren_plus(round.alarms, round.accuracies, round.updates, c_s, weight_check)
    assert (NAMES[decision.case], accepted(decision)) == (case, benign)
    assert decision.rollback == (case in ("3 true alarms", "4"))


@given(rounds, margins, st.booleans(), st.booleans(), st.sets(st.integers(0, 5)), st.booleans())
def test_it_is_total(
    round: Round, c_s: float, weight_check: bool, always_compare: bool, banned: set[int], review: bool
) -> None:
    clients = range(len(round.alarms))
    decision = decide(
        round.alarms,
        Asked(round),
        c_s=c_s,
        weight_check=weight_check,
        always_compare=always_compare,
        banned=sorted(banned & {*clients}),
        review=review,
    )
    assert accepted(decision) <= {*clients} - banned
    assert accepted(decision) or {*clients} <= banned
    for row in {*clients} - banned:
        kept, verdict = decision.accepted[row], decision.verdicts[row]
        assert (verdict is Verdict.UNCHECKED) == (decision.case is Case.QUIET)
        assert kept == (verdict is not Verdict.MALICIOUS)


@given(rounds, margins, st.booleans(), st.data())
def test_no_order_of_the_clients_matters(round: Round, c_s: float, always_compare: bool, data: st.DataObject) -> None:
    order = data.draw(st.permutations(range(len(round.alarms))))
    shuffled = round.take(order)
    before = decide(round.alarms, Asked(round), c_s=c_s, always_compare=always_compare)
    after = decide(shuffled.alarms, Asked(shuffled), c_s=c_s, always_compare=always_compare)
    assert after.case is before.case
    assert after.verdicts == tuple(before.verdicts[row] for row in order)
    assert after.accuracies == tuple(before.accuracies[row] for row in order)


@given(rounds, margins, st.sets(st.integers(0, 5)), st.booleans())
def test_the_decision_is_that_of_a_round_without_the_banned(
    round: Round, c_s: float, banned: set[int], review: bool
) -> None:
    free = [row for row in range(len(round.alarms)) if row not in banned]
    out = [row for row in range(len(round.alarms)) if row in banned]
    decision = decide(round.alarms, Asked(round), c_s=c_s, banned=out, review=review)
    if not free:
        assert decision.case is Case.QUIET
        assert not any(decision.accepted)
        return
    without = round.take(free)
    same = decide(without.alarms, Asked(without), c_s=c_s)
    assert decision.case is same.case
    assert tuple(decision.verdicts[row] for row in free) == same.verdicts
    assert accepted(decision) == {free[row] for row in accepted(same)}


@given(rounds, margins, st.sets(st.integers(0, 5), min_size=1))
def test_a_review_holds_the_banned_against_the_best_accepted_client(round: Round, c_s: float, banned: set[int]) -> None:
    out = [row for row in range(len(round.alarms)) if row in banned]
    decision = decide(round.alarms, Asked(round), c_s=c_s, weight_check=False, banned=out, review=True)
    unreviewed = decide(round.alarms, Asked(round), c_s=c_s, weight_check=False, banned=out)
    assert all(unreviewed.verdicts[row] is Verdict.UNCHECKED for row in out)
    best = max((round.accuracies[row] for row in accepted(decision)), default=None)
    for row in out:
        if best is None:
            assert decision.verdicts[row] is Verdict.UNCHECKED
        else:
            good = round.accuracies[row] > best * (1 - c_s) or round.accuracies[row] == best
            assert decision.verdicts[row] is (Verdict.BENIGN if good else Verdict.MALICIOUS)


@given(rounds, margins, st.booleans())
def test_no_accuracy_is_asked_for_in_vain(round: Round, c_s: float, always_compare: bool) -> None:
    asked = Asked(round)
    decision = decide(round.alarms, asked, c_s=c_s, always_compare=always_compare, review=True)
    assert len(asked.rows) == len(set(asked.rows))
    assert decision.accuracies == tuple(
        accuracy if row in asked.rows else None for row, accuracy in enumerate(round.accuracies)
    )
    alarming = {row for row, alarm in enumerate(round.alarms) if alarm}
    compared = decision.case in (Case.FALSE_ALARMS, Case.TRUE_ALARMS) or always_compare
    assert set(asked.rows) == (set() if not alarming else {*range(len(round.alarms))} if compared else alarming)
