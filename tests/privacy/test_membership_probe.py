from collections import Counter

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError
from torch import nn

from fedprop.data import Examples
from fedprop.errors import InvalidConfig
from fedprop.params import ParameterLayout
from fedprop.privacy import Membership, MembershipProbe, Sent, Sight
from fedprop.privacy.membership_probe import matched

LABELS = st.lists(st.integers(0, 3), max_size=20).map(lambda values: torch.tensor(values, dtype=torch.int64))


@settings(deadline=None)
@given(LABELS, LABELS, st.integers(0, 30), st.integers(0, 9))
def test_pairs_share_a_label_and_nobody_is_in_two(members, nonmembers, most, seed):
    inside, outside = matched(members, nonmembers, most, torch.Generator().manual_seed(seed))
    assert members[inside].equal(nonmembers[outside])
    assert len(set(inside.tolist())) == len(set(outside.tolist())) == len(inside)
    common = Counter(members.tolist()) & Counter(nonmembers.tolist())
    assert len(inside) == min(most, common.total())


def test_the_stream_decides_who_is_asked_about():
    labels = torch.zeros(50, dtype=torch.int64)
    first, again, other = (matched(labels, labels, 9, torch.Generator().manual_seed(seed)) for seed in (1, 1, 2))
    assert first.equal(again)
    assert not first.equal(other)


@pytest.fixture
def make():
    """Makes a probe of random examples: two clients hold 40 each, 80 are nobody's, in more dimensions than examples."""
    stream = torch.Generator().manual_seed(0)
    x, y = torch.randn(160, 100, generator=stream), torch.arange(160) % 2
    pool, others = Examples(x[:80], y[:80]), Examples(x[80:], y[80:])
    clients = [torch.arange(40), torch.arange(40, 80)]

    def build(module=None, parts=clients, outsiders=others, seed=0, **settings):
        module = module or nn.Linear(100, 2)
        return MembershipProbe(Membership(**settings), module, pool=pool, parts=parts, outsiders=outsiders, seed=seed)

    return build


def sight(parameters, round=0, last=False, local=lambda client: None):
    def sent(client):
        row = local(client)
        return None if row is None else Sent(torch.ones_like(row), row - 1, 1, 1)

    return Sight(round, last, parameters, sent)


def memorised(probe, client):
    """The parameters of a linear model that maps the client's examples to their labels, and others to nothing much."""
    (suspects,) = [s for s in probe.suspects if s.client == client]
    x, y = suspects.members.x, suspects.members.y
    weight = torch.linalg.lstsq(x, 9.0 * (2 * y - 1).float()[:, None]).solution[:, 0]
    return torch.cat([-weight, weight, torch.zeros(2)])


def test_what_a_model_remembers_is_found_where_it_is(make):
    probe = make(client=1)
    found = probe(sight(torch.zeros(202), local=lambda client: memorised(probe, 1) if client == 1 else None))
    assert [(f.client, f.attack) for f in found] == [
        (None, "threshold"),
        (None, "logistic_regression"),
        (1, "threshold"),
        (1, "logistic_regression"),
    ]
    assert [f.target for f in found[1:3]] == ["global model", "client 1"]
    assert found[0].numbers["auc"] == 0.5
    assert min(f.numbers["auc"] for f in found[2:]) > 0.7


def test_everybody_is_a_member_of_the_global_model_and_one_client_of_its_own(make):
    everybody, client = make(client=1, pairs=500).suspects
    assert (len(everybody.members), len(client.members)) == (80, 40)
    assert len(client.nonmembers) == 40
    assert {tuple(row) for row in client.members.x.tolist()} < {tuple(row) for row in everybody.members.x.tolist()}
    assert client.members.y.equal(client.nonmembers.y)


def test_a_model_that_knows_labels_only_gives_nothing_away(make):
    """A client holds one class only; a model that always answers with it knows none of its examples."""
    probe = make(parts=[torch.arange(0, 80, 2)], targets=["client"])
    always = torch.cat([torch.zeros(200), torch.tensor([5.0, 0.0])])
    assert [f.numbers["auc"] for f in probe(sight(torch.zeros(202), local=lambda _: always))] == [0.5, 0.5]


def test_it_looks_every_so_many_rounds_and_at_the_last(make):
    probe = make(every=3, targets=["global"], attacks=["threshold"])
    seen = [bool(probe(sight(torch.zeros(202), round_, last=round_ == 7))) for round_ in range(8)]
    assert seen == [False, False, True, False, False, True, False, True]


def test_a_client_that_sent_nothing_is_not_attacked(make):
    assert {f.client for f in make()(sight(torch.zeros(202)))} == {None}
    assert make(targets=["client"])(sight(torch.zeros(202))) == ()


def test_what_was_seen_before_changes_nothing(make):
    fresh, used = make(), make()
    used(sight(torch.ones(202)))
    assert used(sight(torch.zeros(202))) == fresh(sight(torch.zeros(202)))
    assert make(seed=1).suspects[0].members.x.equal(fresh.suspects[0].members.x) is False


def test_the_settings_reach_the_attacks(make):
    rows = torch.randn(202, generator=torch.Generator().manual_seed(1))
    aucs = {
        tuple(f.numbers["auc"] for f in make(targets=["global"], statistic=statistic, features=features)(sight(rows)))
        for statistic in ("loss", "entropy")
        for features in ("logits", "confidences")
    }
    assert len(aucs) == 4


def test_models_are_asked_in_evaluation_mode_and_left_alone(make):
    module = nn.Sequential(nn.BatchNorm1d(100), nn.Dropout(0.5), nn.Linear(100, 2))
    layout = ParameterLayout.of(module)
    before, probe = layout.flatten(module), make(module=module)
    shown = before.clone()
    assert probe(sight(shown)) == probe(sight(shown))
    assert layout.flatten(module).equal(before)
    assert shown.equal(before)
    assert module.training


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"client": 2}, "`inference.client` must be a client's id, below 2; found 2"),
        ({"parts": [torch.arange(1), torch.arange(1, 80)]}, "of client 0; found 1"),
        ({"outsiders": Examples(torch.zeros(3, 100), torch.full((3,), 7))}, "of everybody; found 0"),
    ],
)
def test_what_cannot_be_asked_is_refused(make, settings, message):
    with pytest.raises(InvalidConfig, match=message):
        make(**settings)


@pytest.mark.parametrize("change", [{"attacks": []}, {"targets": ["server"]}, {"pairs": 1}, {"every": 0}])
def test_settings_without_sense_are_refused(change):
    with pytest.raises(ValidationError, match=next(iter(change))):
        Membership(**change)
