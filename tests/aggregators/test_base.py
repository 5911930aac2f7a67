from typing import Any

import pytest
import torch

from fedprop.aggregators import (
    AGGREGATORS,
    Aggregation,
    Aggregator,
    Bulyan,
    CenteredClipping,
    Cohort,
    Contract,
    GeometricMedian,
    Krum,
    Mean,
    NormClipping,
    Rooted,
    Stage,
    Staged,
    base,
)
from fedprop.aggregators.classifier import Logits
from fedprop.aggregators.columns import MixedRows, blocks_of
from fedprop.errors import InvalidUpdates, ServerUnknown, TooFewUpdates, WrongAnswer


class Running(Aggregator):
    """A rule with memory: the sum of all means so far."""

    kind: str = "running"

    def init(self) -> float:
        return 0.0

    def combine(self, cohort: Cohort, state: float) -> Aggregation:
        total = state + float(cohort.updates.mean())
        value = torch.full(cohort.updates.shape[1:], total, dtype=cohort.updates.dtype)
        return Aggregation(value, torch.ones(len(cohort.updates)), total)


def test_cohort_fills_in_what_is_not_known() -> None:
    cohort = Cohort(torch.zeros(3, 2))
    assert (cohort.clients, cohort.examples, cohort.staleness) == ((0, 1, 2), (1, 1, 1), (0, 0, 0))


def test_cohort_refuses_lengths_that_do_not_match() -> None:
    with pytest.raises(InvalidUpdates, match="`examples` must have one entry for each of the 3 rows; found 2"):
        Cohort(torch.zeros(3, 2), examples=(1, 2))


def test_cohort_with_other_updates_keeps_the_senders() -> None:
    cohort = Cohort(torch.zeros(2, 2), clients=(7, 9)).with_updates(torch.ones(2, 2))
    assert cohort.clients == (7, 9)
    assert cohort.updates.sum() == 4


def test_a_cohort_says_what_it_was_told_and_names_what_it_was_not() -> None:
    rows, model, draw, seen = torch.zeros(2, 2), torch.ones(2), torch.Generator(), Logits(torch.ones(2))
    cohort = Cohort(rows, model=model, round=0, generator=draw, classifier=seen).with_updates(rows + 1)
    assert (cohort.model is model, cohort.round, cohort.generator is draw) == (True, 0, True)
    assert cohort.classifier is seen
    for name in ("model", "round", "generator", "classifier"):
        with pytest.raises(ServerUnknown, match=f"`{name}` must be given with the cohort .*Cohort.rows, {name}="):
            getattr(Cohort(rows), name)
    with pytest.raises(InvalidUpdates, match=r"`model` must have shape \[2\] here; found \[3\]"):
        Cohort(rows, model=torch.zeros(3))


def test_state_starts_at_init_and_is_handed_on() -> None:
    rule = Running()
    first = rule.aggregate(torch.ones(2, 1))
    second = rule.aggregate(torch.ones(2, 1), first.state)
    assert (first.state, second.state, float(rule(torch.ones(2, 1)))) == (1.0, 2.0, 1.0)


def test_a_rule_claims_nothing_unless_it_says_so() -> None:
    assert Running().contract() == Contract()


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        (torch.zeros(3), r"`updates` must have shape \[n, d\] with d >= 1 for Mean; found \[3\]"),
        (torch.zeros(3, 0), r"`updates` must have shape \[n, d\] with d >= 1 for Mean; found \[3, 0\]"),
        (torch.tensor([[1.0], [torch.nan]]), r"`updates` must be finite for Mean; found NaN or infinity in rows \[1\]"),
        (torch.tensor([[torch.inf], [0.0]]), r"`updates` must be finite for Mean; found NaN or infinity in rows \[0\]"),
    ],
)
@pytest.mark.parametrize("use", [lambda rows: Mean()(rows), lambda rows: Mean().aggregate(rows)])
def test_refusals_name_parameter_rule_and_found_value(use: Any, rows: torch.Tensor, message: str) -> None:
    with pytest.raises(InvalidUpdates, match=message):
        use(rows)


def test_bad_rows_are_found_in_every_block() -> None:
    rows = torch.zeros(4, 9)
    rows[1, 8], rows[3, 0], rows[3, 4] = torch.nan, torch.inf, -torch.inf
    with blocks_of(4), pytest.raises(InvalidUpdates, match=r"found NaN or infinity in rows \[1, 3\]"):
        Mean()(rows)


def test_infinities_that_cancel_are_found() -> None:
    with pytest.raises(InvalidUpdates, match=r"found NaN or infinity in rows \[0, 1\]"):
        Mean()(torch.tensor([[torch.inf], [-torch.inf]]))


SEEING = [
    Krum(f=1),
    Krum(f=1, m=2),
    Bulyan(f=1),
    GeometricMedian(),
    CenteredClipping(radius=1.0),
    CenteredClipping(radius=1.0, iterations=3),
]


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("bad", [torch.nan, torch.inf, -torch.inf])
@pytest.mark.parametrize("rule", SEEING, ids=repr)
def test_rules_that_see_what_is_not_finite_refuse_it_as_others_do(
    rule: Aggregator, bad: float, dtype: torch.dtype
) -> None:
    rows = torch.randn(7, 5, generator=torch.Generator().manual_seed(0), dtype=dtype)
    rows[2, 4] = rows[5, 0] = bad
    message = rf"`updates` must be finite for {type(rule).__name__}; found NaN or infinity in rows \[2, 5\]"
    with pytest.raises(InvalidUpdates, match=message):
        rule(rows)
    with pytest.raises(InvalidUpdates, match=message):
        rule.aggregate(rows)


@pytest.mark.parametrize("rule", SEEING, ids=repr)
def test_they_make_no_pass_to_look_for_it(rule: Aggregator, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(base, "_rows_not_finite", None)
    assert rule(torch.randn(7, 5, generator=torch.Generator().manual_seed(0))).shape == (5,)


def test_finite_rows_whose_sum_overflows_are_accepted() -> None:
    assert Mean()(torch.full((3, 2), 3e38)).tolist() == torch.full((2,), 3e38).tolist()


def test_a_rule_that_wants_tensors_refuses_columns() -> None:
    columns = MixedRows(torch.eye(2), torch.ones(2, 3))
    with pytest.raises(InvalidUpdates, match=r"`updates` must be a tensor for Running, .* columns; found MixedRows"):
        Running()(columns)


def test_no_rows_are_too_few() -> None:
    with pytest.raises(TooFewUpdates, match="`updates` must satisfy n >= 1 for Mean; found n=0"):
        Mean()(torch.zeros(0, 2))


def test_stages_refuse_as_rules_do() -> None:
    with pytest.raises(InvalidUpdates, match="for NormClipping; found NaN or infinity"):
        NormClipping(max_norm=1.0)(torch.tensor([[torch.nan]]))


def test_rules_are_values() -> None:
    assert Krum(f=2) == Krum(f=2) != Krum(f=1)
    assert hash(Krum(f=2)) == hash(Krum(f=2))
    with pytest.raises(ValueError, match="frozen"):
        Krum(f=2).f = 3


class Wrong(Aggregator):
    """Forgets to wrap its answer."""

    kind: str = "wrong"

    def combine(self, cohort: Cohort, state: Any) -> Any:
        return cohort.updates.mean(dim=0)


@pytest.mark.parametrize(
    "use",
    [
        lambda rows: Wrong()(rows),
        lambda rows: Wrong().aggregate(rows),
        lambda rows: (NormClipping(max_norm=1.0) >> Wrong())(rows),
        lambda rows: (NormClipping(max_norm=1.0) >> Wrong()).aggregate(rows),
        lambda rows: Rooted(rule=Wrong())(rows),
    ],
)
def test_a_wrong_answer_is_named_whoever_asks(use: Any) -> None:
    message = r"the rule Wrong must answer with Aggregation\(value, weights\); found a tensor of shape \[2\]"
    with pytest.raises(WrongAnswer, match=message):
        use(torch.ones(3, 2))


class WrongValue(Mean):
    """Answers the call with another dtype than the full form."""

    def value(self, updates: Any) -> Any:
        return updates.mean(dim=0).double()


def test_the_short_form_is_looked_at_too() -> None:
    with pytest.raises(WrongAnswer, match=r"WrongValue must answer with a value .*float32.*; found .*float64"):
        WrongValue()(torch.ones(3, 2))


class WrongStage(Stage):
    """Drops a row's mixing, or its sender, or all rows."""

    kind: str = "wrong_stage"
    wrong: str

    def apply(self, cohort: Cohort, state: Any) -> Any:
        updates: Any = cohort.updates
        mixing = torch.eye(len(updates), dtype=torch.float64)
        return {
            "tensor": updates,
            "columns": Staged(cohort.with_updates(updates[:, 1:]), mixing),
            "mixing": Staged(cohort, mixing[1:]),
            "float32": Staged(cohort, mixing.float()),
            "senders": Staged(cohort.with_updates(updates[1:]), mixing[1:]),
        }[self.wrong]


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ("tensor", r"answer with Staged\(cohort, mixing\); found a tensor of shape \[3, 2\]"),
        ("columns", r"answer with updates of shape \[3, 2\], torch.float32, on cpu; found a tensor of shape \[3, 1\]"),
        ("senders", "name a sender for each of 2 rows; found 3"),
        ("mixing", r"answer with mixing of shape \[3, 3\], torch.float64, on cpu; found a tensor of shape \[2, 3\]"),
        ("float32", r"answer with mixing of shape \[3, 3\], torch.float64, on cpu; found a tensor .*, torch.float32"),
    ],
)
@pytest.mark.parametrize("after", [None, Mean(), NormClipping(max_norm=1.0)])
def test_a_stage_that_answers_wrongly_is_named(wrong: str, told: str, after: Any) -> None:
    stage = WrongStage(wrong=wrong)
    with pytest.raises(WrongAnswer, match=f"the stage WrongStage must {told}"):
        (stage if after is None else stage >> after)(torch.ones(3, 2))


def test_a_rule_tells_its_value_without_weights_too():
    rows = torch.randn(9, 4, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    cohort = Cohort(rows, examples=range(1, 10))
    for rule in AGGREGATORS.examples():
        if not rule.asks and rule.min_rows <= len(rows):
            assert torch.equal(rule.value_for(cohort, rule.init()), rule.answer(cohort, rule.init()).value), rule


def test_cohorts_are_equal_to_themselves_alone():
    rows = torch.zeros(2, 3)
    assert Cohort(rows) != Cohort(rows)
    assert len({Cohort(rows), Cohort(rows)}) == 2


@pytest.mark.parametrize("name", ["clients", "examples", "staleness"])
def test_what_a_cohort_counts_are_whole_numbers(name):
    with pytest.raises(InvalidUpdates, match=f"`{name}` must hold whole numbers; found 2.0"):
        Cohort(torch.zeros(2, 3), **{name: torch.tensor([2.0, 1.5])})
