import pytest
import torch

from fedprop.defenses.siren_plus import Case, RootTest, Verdict, decide

B, M, U = Verdict.BENIGN, Verdict.MALICIOUS, Verdict.UNCHECKED


def evidence(*accuracies, updates=None):
    """The second number of an update is its accuracy; the first is its direction, the same for all unless given."""
    directions = updates or [1.0] * len(accuracies)
    rows = torch.tensor([[10.0 * way, accuracy] for way, accuracy in zip(directions, accuracies, strict=True)])
    return RootTest(rows, lambda updates: updates[:, 1].double().round(decimals=6))


def outcome(decision):
    return decision.case, decision.accepted, decision.rollback


def test_without_an_alarm_everybody_is_accepted_unchecked():
    decision = decide([False, False], evidence(0.9, 0.1))
    assert outcome(decision) == (Case.QUIET, (True, True), False)
    assert decision.verdicts == (U, U)
    assert decision.accuracies == (None, None)


def test_false_alarms_leave_the_good_silent_clients():
    decision = decide([True, False, False, False], evidence(0.5, 0.9, 0.85, 0.2))
    assert outcome(decision) == (Case.FALSE_ALARMS, (False, True, True, False), False)
    assert decision.verdicts == (M, B, B, M)
    assert decision.accuracies == (0.5, 0.9, 0.85, 0.2)


def test_true_alarms_leave_all_alarming_clients():
    decision = decide([True, True, False], evidence(0.9, 0.85, 0.5))
    assert outcome(decision) == (Case.TRUE_ALARMS, (True, True, False), True)
    assert decision.verdicts == (B, B, M)


def test_divergent_alarms_leave_the_good_ones_and_no_silent_client():
    decision = decide([True, True, False], evidence(0.9, 0.5, 0.9))
    assert outcome(decision) == (Case.DIVERGENT, (True, False, False), True)
    assert decision.accuracies == (0.9, 0.5, None)


def test_on_the_margin_an_alarming_client_is_out():
    """Line 6 is strict: 1.0 * (1 - 0.5) < 0.5 is false."""
    assert decide([True, True], evidence(1.0, 0.5), c_s=0.5).case is Case.DIVERGENT


def test_on_the_margin_the_silent_clients_are_as_good():
    """Line 8 is not strict: 1.0 * (1 - 0.5) <= 0.5 is true."""
    assert decide([True, False], evidence(1.0, 0.5), c_s=0.5).case is Case.FALSE_ALARMS


def test_on_the_margin_a_silent_client_is_out():
    assert decide([True, False, False], evidence(0.5, 1.0, 0.5), c_s=0.5).accepted == (False, True, False)


def test_a_reverse_alarming_client_makes_case_4_and_is_left_out():
    reverse = evidence(0.9, 0.88, 0.1, updates=[1.0, -1.0, 1.0])
    assert outcome(decide([True, True, False], reverse)) == (Case.DIVERGENT, (True, False, False), True)
    unchecked = decide([True, True, False], reverse, weight_check=False)
    assert outcome(unchecked) == (Case.TRUE_ALARMS, (True, True, False), True)


def test_silent_clients_are_checked_against_the_best_silent_one():
    reverse = evidence(0.9, 0.9, 0.88, updates=[-1.0, 1.0, -1.0])
    assert decide([True, False, False], reverse).accepted == (False, True, False)
    assert decide([True, False, False], reverse, weight_check=False).accepted == (False, True, True)


def test_of_several_best_clients_one_that_agrees_is_enough():
    tied = evidence(0.9, 0.9, 0.85, updates=[1.0, -1.0, -1.0])
    assert decide([True, True, True], tied).accepted == (True, True, True)


def test_without_a_silent_client_the_alarms_are_true():
    assert decide([True, True], evidence(0.2, 0.2)).case is Case.TRUE_ALARMS


def test_alarming_clients_that_get_nothing_right_lose_to_any_silent_one():
    """As printed, 0 < 0 would leave nobody, and any garbage with an alarm would undo a round."""
    assert outcome(decide([True, False], evidence(0.0, 0.9))) == (Case.FALSE_ALARMS, (False, True), False)
    assert outcome(decide([True, False], evidence(0.0, 0.0))) == (Case.FALSE_ALARMS, (False, True), False)
    assert outcome(decide([True, True], evidence(0.0, 0.0))) == (Case.TRUE_ALARMS, (True, True), True)


def test_false_alarms_of_different_quality_pass_for_case_4_unless_always_compared():
    alarms, seen = [True, True, False, False], evidence(0.5, 0.1, 0.9, 0.9)
    assert outcome(decide(alarms, seen)) == (Case.DIVERGENT, (True, False, False, False), True)
    compared = decide(alarms, seen, always_compare=True)
    assert outcome(compared) == (Case.FALSE_ALARMS, (False, False, True, True), False)


def test_nobody_is_left_if_all_are_banned():
    decision = decide([True, False], evidence(0.9, 0.9), banned=[0, 1], review=True)
    assert outcome(decision) == (Case.QUIET, (False, False), False)
    assert decision.verdicts == (U, U)


def test_a_review_looks_at_banned_clients_in_quiet_rounds_too():
    seen = evidence(0.9, 0.85, 0.85, 0.5, updates=[1.0, 1.0, -1.0, 1.0])
    decision = decide([False, True, True, True], seen, banned=[1, 2, 3], review=True)
    assert outcome(decision) == (Case.QUIET, (True, False, False, False), False)
    assert decision.verdicts == (U, B, M, M)


def test_a_round_of_nobody_is_quiet():
    assert decide([], evidence(1.0)) == (Case.QUIET, (), (), ())


@pytest.mark.parametrize(
    ("update", "agrees"), [([1.0, 5.0], True), ([0.0, 5.0], True), ([-1e-3, 5.0], False), ([0.0, 0.0], True)]
)
def test_updates_agree_up_to_a_right_angle(update, agrees):
    seen = RootTest(torch.tensor([[1.0, 0.0], update]), lambda updates: updates.sum(dim=1))
    assert seen.agrees(0, 1) == seen.agrees(1, 0) == agrees


def test_evidence_asks_for_the_accuracy_of_the_row():
    seen = RootTest(torch.tensor([[0.25, 0.0], [0.5, 0.25]]), lambda updates: updates.sum(dim=1))
    assert [seen.accuracy(0), seen.accuracy(1)] == [0.25, 0.75]
