import pytest
from pydantic import TypeAdapter, ValidationError

from fedprop.simulation.policies import AnyPolicy, FedAsync, FedBuff, Synchronous
from fedprop.simulation.staleness import ConstantStaleness, PolynomialStaleness

ASYNCHRONOUS = [FedBuff(concurrency=4, buffer=2), FedAsync(concurrency=4)]


@pytest.mark.parametrize(
    ("policy", "clients", "smallest"),
    [
        (Synchronous(), 7, 7),
        (Synchronous(cohort=3), 7, 3),
        (Synchronous(cohort=9), 7, 7),
        (Synchronous(min_updates=2), 7, 7),
        (Synchronous(deadline=5.0), 7, 7),
        (Synchronous(deadline=5.0, min_updates=2), 7, 2),
        (Synchronous(cohort=5, deadline=5.0, min_updates=3), 7, 3),
        (Synchronous(cohort=9, deadline=5.0, min_updates=9), 7, 7),
        (FedBuff(concurrency=4, buffer=3), 7, 3),
        (FedAsync(concurrency=4), 7, 1),
    ],
)
def test_the_fewest_updates_that_meet_the_rule(policy, clients, smallest):
    assert policy.smallest(clients) == smallest


def test_patience_is_what_each_policy_calls_it():
    assert Synchronous(deadline=3.0).patience == 3.0
    assert FedBuff(concurrency=1, buffer=1, timeout=4.0).patience == 4.0
    assert FedAsync(concurrency=1, timeout=5.0).patience == 5.0


@pytest.mark.parametrize("policy", [Synchronous(), *ASYNCHRONOUS], ids=lambda p: p.kind)
def test_by_default_the_server_waits_for_ever(policy):
    assert policy.patience is None


@pytest.mark.parametrize(("wanted", "factor", "invited"), [(10, 1.0, 10), (10, 1.1, 11), (10, 1.3, 13), (3, 1.5, 5)])
def test_over_selection_rounds_up_but_not_because_of_binary_fractions(wanted, factor, invited):
    assert Synchronous(cohort=wanted, over_selection=factor).invited(wanted) == invited


def test_defaults_are_the_papers():
    assert FedBuff(concurrency=1, buffer=1).staleness == PolynomialStaleness(a=0.5)
    assert FedAsync(concurrency=1).staleness == ConstantStaleness()


@pytest.mark.parametrize("policy", [Synchronous(), *ASYNCHRONOUS], ids=lambda p: p.kind)
def test_a_dump_is_read_back(policy):
    assert TypeAdapter(AnyPolicy).validate_python(policy.model_dump(mode="json")) == policy


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"over_selection": 1.5}, "`over_selection` needs a `cohort`; found over_selection=1.5"),
        ({"cohort": 4, "min_updates": 5}, "`min_updates` must be at most `cohort` = 4; found 5"),
        ({"cohort": 4, "over_selection": 0.9}, "greater than or equal to 1"),
        ({"cohort": 4, "over_selection": float("inf")}, "finite"),
        ({"cohort": 0}, "greater than 0"),
        ({"deadline": 0.0}, "greater than 0"),
    ],
)
def test_rounds_that_cannot_be_are_refused(fields, message):
    with pytest.raises(ValidationError, match=message):
        Synchronous(**fields)


@pytest.mark.parametrize(
    "fields",
    [
        {"kind": "fedbuff", "concurrency": 4},
        {"kind": "fedbuff", "concurrency": 0, "buffer": 1},
        {"kind": "fedbuff", "concurrency": 1, "buffer": 1, "max_staleness": -1},
        {"kind": "fedasync", "concurrency": 1, "mixing": 0.0},
        {"kind": "fedasync", "concurrency": 1, "mixing": 1.1},
        {"kind": "fedasync", "concurrency": 1, "timeout": float("inf")},
        {"kind": "gossip"},
    ],
)
def test_asynchronous_policies_that_cannot_be_are_refused(fields):
    with pytest.raises(ValidationError):
        TypeAdapter(AnyPolicy).validate_python(fields)
