"""MAB-RFL against its definition, by hand, and over rounds."""

import math

import pytest
import torch

from fedprop.aggregators.cohort import Cohort
from fedprop.defenses import MabRfl, Replies
from fedprop.defenses.mab_rfl import Arm
from fedprop.defenses.mab_rfl.groups import outliers, projected, sybils
from fedprop.oracles.mab_rfl import MISREADINGS, Outcome, Past, mab_rfl


def screened(rows, arms=None, *, clients=None, round=0):
    updates = torch.tensor(rows, dtype=torch.float64)
    clients = tuple(clients or range(len(rows)))
    replies = Replies(updates, clients, ((),) * len(rows), None, round, 100)
    return MabRfl().screen(replies, arms or {}), updates, clients


def outcome(rows, arms=None, *, clients=None, round=0):
    """What the fast code makes of a round, in the oracle's terms."""
    found, updates, clients = screened(rows, arms, clients=clients, round=round)
    verdicts = [found.ruling.verdicts[client] for client in clients]
    named = {name: {row for row, v in enumerate(verdicts) if v == name} for name in ("sybil", "outlier", "accepted")}
    step, rows = None, sorted(named["accepted"])
    if rows:
        cohort = Cohort(updates[rows], clients=tuple(clients[row] for row in rows))
        step = MabRfl().aggregate(cohort, found.memory, rule=None).value.tolist()
    return Outcome(named["sybil"], named["outlier"], step)


def story(seed):
    """Some rows, near a few directions or anywhere, the clients' pasts, and the number of the round."""
    draw = torch.Generator().manual_seed(seed)
    n, d, t = (int(torch.randint(low, high, (), generator=draw)) for low, high in ((1, 9), (2, 6), (0, 60)))
    directions = torch.randn(2, d, generator=draw, dtype=torch.float64)
    which = torch.randint(0, 2, (n,), generator=draw)
    spread = (0.02, 1.0, 5.0)[seed % 3]
    rows = directions[which] + spread * torch.randn(n, d, generator=draw, dtype=torch.float64)
    old = torch.randn(n, d, generator=draw, dtype=torch.float64)
    old = old / old.norm(dim=1, keepdim=True)
    ago = torch.randint(1, 3, (n,), generator=draw).tolist()
    pasts = [Past(row, back) if k % 3 else Past() for k, (row, back) in enumerate(zip(old.tolist(), ago, strict=True))]
    return rows.tolist(), pasts, t


def test_principal_components_keep_distances_and_leave_out_what_explains_least():
    """Of two directions with variances of 9 : 1 one explains nine tenths."""
    rows = torch.tensor([[5.0, 8.0], [11.0, 8.0], [8.0, 7.0], [8.0, 9.0]], dtype=torch.float64)
    both = torch.from_numpy(projected(rows @ rows.T, 1.0))
    torch.testing.assert_close(torch.pdist(both), torch.pdist(rows))
    (first,) = projected(rows @ rows.T, 0.9).T
    assert sorted(first) == pytest.approx([-3.0, 0.0, 0.0, 3.0])


HARDLY_ALIKE = ([[1.0, 0.0], [0.05, 1.0]], [Past(), Past()], 100)
STORIES = [HARDLY_ALIKE, *(story(seed) for seed in range(60))]


def arms_of(pasts, t):
    momenta = [None if past.momentum is None else torch.tensor(past.momentum, dtype=torch.float64) for past in pasts]
    return {i: Arm(1, 1, m, t - past.ago) for i, (m, past) in enumerate(zip(momenta, pasts, strict=True))}


def same(one, other):
    if one[:2] != other[:2] or (one.step is None) != (other.step is None):
        return False
    return one.step is None or one.step == pytest.approx(other.step, rel=1e-6, abs=1e-9)


def test_it_is_its_definition():
    kinds = set()
    for rows, pasts, t in STORIES:
        wanted, found = mab_rfl(rows, pasts, t), outcome(rows, arms_of(pasts, t), round=t)
        assert same(found, wanted), (rows, pasts, t)
        kinds.add((bool(wanted.sybils), bool(wanted.outliers), wanted.step is None))
    assert len(kinds) >= 4


def test_every_misreading_differs_somewhere():
    for name, misread in MISREADINGS.items():
        assert not all(same(mab_rfl(*told), misread(*told)) for told in STORIES), name


def test_a_round_by_hand():
    """Two sybils point up; then (1, 0), (0.8, 0.6 at right angles to them) and its opposite are two clusters."""
    rows = [[0.0, 0.0, 3.0], [0.0, 0.0, 1.0], [2.0, 0.0, 0.0], [0.0, 4.0, 0.0], [-6.0, 0.0, 0.0]]
    # Inner products of directions: 1 for the sybils, 0 and -1 for the others. The clusters are the two that are at
    # distance sqrt(2) of each other, of which Ward merges the first pair found, against the third.
    found = outcome(rows)
    assert found.sybils == {0, 1}
    assert len(found.outliers) == 1
    used = [row for row in range(2, 5) if row not in found.outliers]
    lengths = [math.hypot(*rows[row]) for row in used]
    middle = sum(lengths) / 2
    wanted = [middle * sum(rows[row][k] / math.hypot(*rows[row]) for row in used) / 2 for k in range(3)]
    assert found.step == pytest.approx(wanted)


def test_the_momentum_is_a_direction_that_fades():
    arm = Arm().moved(torch.tensor([3.0, 4.0]), 0, 0.1)
    assert arm.momentum.tolist() == pytest.approx([0.6, 0.8])
    later = arm.moved(torch.tensor([0.0, 1.0]), 2, 0.1).momentum
    assert later.tolist() == pytest.approx([0.006 / math.hypot(0.006, 1.008), 1.008 / math.hypot(0.006, 1.008)])
    assert Arm().moved(torch.zeros(2), 0, 0.1).momentum.tolist() == [0.0, 0.0]


def test_no_order_of_arrival_matters():
    for rows, pasts, t in STORIES[:20]:
        arms, order = arms_of(pasts, t), torch.randperm(len(rows), generator=torch.Generator().manual_seed(t)).tolist()
        there = outcome(rows, arms, round=t)
        back = outcome([rows[i] for i in order], arms, clients=order, round=t)
        moved = Outcome({order[i] for i in back.sybils}, {order[i] for i in back.outliers}, back.step)
        assert same(moved, there)


def test_degenerate_rounds():
    assert outcome([[1.0, 0.0]]).step == pytest.approx([1.0, 0.0])
    assert outcome([[1.0, 0.0]] * 3) == Outcome({0, 1, 2}, set(), None)
    assert outcome([[0.0, 0.0]] * 3).step == [0.0, 0.0]
    assert sybils(torch.empty(0, 2), 0.1) == []
    assert outliers(torch.empty(0, 2), variance=0.95, alpha=0.0) == []


def test_clusters_at_right_angles_do_not_point_apart_unless_alpha_asks_for_less():
    momenta = torch.tensor([[1.0, 0.0], [2.0, 0.0], [3.0, 0.0], [0.0, 9.0]])
    assert outliers(momenta, variance=0.95, alpha=0.0) == []
    assert outliers(momenta, variance=0.95, alpha=0.1) == [3]


def test_rewards_go_to_those_who_took_part():
    found, *_ = screened([[1.0, 0.0], [2.0, 0.0], [0.0, 1.0]], {9: (4, 2, None, 0)}, clients=(5, 6, 7))
    assert {client: (arm.accepted, arm.rejected) for client, arm in found.memory.items()} == {
        5: (1, 2),
        6: (1, 2),
        7: (2, 1),
        9: (4, 2),
    }
    assert found.ruling.case == "sybils"
    assert found.ruling.suspicion == pytest.approx({5: 2 / 3, 6: 2 / 3, 7: 1 / 3, 9: 1 / 3})


def test_the_bandit_invites_those_who_were_accepted():
    memory = {client: Arm(30, 1) if client < 5 else Arm(1, 30) for client in range(10)}
    many, protocol = range(10), MabRfl()

    def chosen(seed, wanted=10, round=20, kept=memory):
        return protocol.select(many, wanted, kept, round=round, generator=torch.Generator().manual_seed(seed))

    counts = [sum(client in chosen(seed) for seed in range(100)) for client in many]
    assert min(counts[:5]) > 90
    assert max(counts[5:]) < 10
    assert chosen(0, round=9) == list(many)
    assert len(chosen(0, wanted=3)) == 3
    assert chosen(0, kept={client: Arm(1, 10**6) for client in many}) == list(many)
    assert chosen(0) == chosen(0)
    fresh = [len(chosen(seed, kept={})) for seed in range(200)]
    # Of p in [0, 1], those above 0.9 and, of those between 0.2 and 0.9, a share p: 0.1 + (0.9^2 - 0.2^2) / 2.
    assert sum(fresh) / 2000 == pytest.approx(0.1 + (0.81 - 0.04) / 2, abs=0.03)
