"""Who is compromised, with which data, aiming at what: settled, or refused, before anything runs."""

import re

import pytest
import torch

from fedprop.aggregators import Mean
from fedprop.attacks import Attack, FalseAlarms, Gaussian, LabelFlip, NoAttack, SignFlip, WeightAttack
from fedprop.data import Dataset, Examples
from fedprop.errors import InvalidConfig
from fedprop.simulation.enlistment import aims_of, enlist, headcounts, idle, shards_of, uneven
from fedprop.tasks import MultiLabel, Regression


@pytest.mark.parametrize(
    ("shares", "clients", "counts"),
    [([0.2], 10, [2]), ([0.3, 0.2], 10, [3, 2]), ([0.05], 10, [0]), ([0.06], 10, [1]), ([0.84], 6, [5])],
)
def test_each_attack_holds_its_rounded_share(shares, clients, counts):
    assert headcounts([SignFlip(share=share) for share in shares], clients) == counts


def test_no_attack_holds_nobody_and_that_is_fine():
    for attacks in ([], [NoAttack()], [NoAttack(), SignFlip(share=0.5)]):
        assert [*uneven(attacks, 6), *idle(attacks, 1)] == []


class Idle(Attack):
    """Forgets what it came for."""

    kind: str = "idle"

    def attack(self, view):
        return -view.own


@pytest.mark.parametrize(
    ("attacks", "message"),
    [
        ([SignFlip(share=0.05)], r"`attack\.share` must come to at least one of 6 clients for SignFlip; found 0\.05"),
        ([SignFlip(share=0.0)], r"found 0, which rounds to none \(a run without attack .* takes kind none\)"),
        ([SignFlip(share=0.5), Gaussian(share=0.05)], r"`attack\.1\.share` must come to .* for Gaussian; found 0\.05"),
        ([SignFlip(share=0.95)], "leave somebody honest; found 0.95, which makes 6 of 6 clients compromised"),
        ([SignFlip(share=0.3)] * 3, "leave somebody honest; found 0.9, which makes 6 of 6 clients compromised"),
        ([SignFlip(share=0.6)] * 2, "the shares must add up to less than 1 .*; found 1.2"),
        ([SignFlip(rounds={"start": 4})], r"`attack\.rounds\.start` must be below `rounds`, 4, or .*; found 4"),
        (
            [Idle()],
            r"`attack`: Idle must define `craft`, `claim`, `delay` or `poison`, or lie \(`reports`\); found none of",
        ),
        ([FalseAlarms(reports="honest")], "FalseAlarms must define `craft`, `claim`, `delay` or `poison`, or lie"),
    ],
)
def test_why_an_attack_would_do_nothing(attacks, message):
    [told] = [*uneven(attacks, 6), *idle(attacks, 4)]
    assert re.search(message, told)


class Asking(Attack):
    kind: str = "asking"

    def craft(self, view):
        return view.own


def enlisted(attack):
    return enlist([attack], clients=10, chosen="first", defense=Mean(), seed=0)


@pytest.mark.parametrize(
    ("assumes", "message"),
    [
        ("krumm", "attack asking: `assumes` must name a rule; found 'krumm'; did you mean krum. .rules: "),
        (
            "centered_clipping",
            "must be a rule that f alone decides; found 'centered_clipping', which also needs radius",
        ),
    ],
)
def test_an_attack_cannot_assume_what_nobody_can_ask(assumes, message, monkeypatch):
    monkeypatch.setattr(Asking, "assumes", assumes)
    with pytest.raises(InvalidConfig, match=message):
        enlisted(Asking())


def test_an_attack_cannot_know_more_than_there_is(monkeypatch):
    monkeypatch.setattr(Asking, "sees", "everything")
    with pytest.raises(InvalidConfig, match="`sees` must be partial or full for Asking; found 'everything'"):
        enlisted(Asking())


DATA = Dataset.from_arrays("toy", [[float(i)] for i in range(6)], [0, 1, 2, 0, 1, 2], [[0.0], [1.0]], [0, 1], classes=3)
PARTS = [torch.tensor([0, 1]), torch.tensor([2, 3]), torch.tensor([4])]


class Poison(Attack):
    """Poisons data with whatever `made` makes of it."""

    kind: str = "poison"

    def poison(self, x, y, classes, generator):
        return self.made(x, y)


class Aiming(Asking):
    """Aims at whatever `made` makes of the test set."""

    def aims(self, x, y, classes, generator):
        return self.made(x, y)


def raises(x, y):
    raise KeyError("x")


WRONG = [
    (raises, r"KeyError: 'x' \(test_enlistment\.py, line \d+\)"),
    (lambda x, y: x, "must answer with a pair of inputs and labels; found a tensor of shape"),
    (
        lambda x, y: (x[:, :0], y),
        r"must answer with inputs of shape \[2, 1\], torch\.float32, on cpu; found .* \[2, 0\]",
    ),
    (lambda x, y: (x.double(), y), "must answer with inputs .*; found .* torch.float64, on cpu"),
    (lambda x, y: (x[:1], y), r"must answer with labels of shape \[1\], torch\.int64, on cpu; found .* \[2\]"),
    (lambda x, y: (x, y.float()), "must answer with labels .* torch.int64, on cpu; found .* torch.float32"),
    (lambda x, y: (x, y + 3), r"must answer with labels in 0 \.\.\. 2; found 3 \.\.\. 4"),
    (lambda x, y: (x, torch.full_like(y, 3)), r"must answer with labels in 0 \.\.\. 2; found 3 \.\.\. 3"),
    (lambda x, y: (x, torch.full_like(y, -1)), r"must answer with labels in 0 \.\.\. 2; found -1 \.\.\. -1"),
    (lambda x, y: (x[:0], y[:0]), "must answer with at least one example; found none"),
    (lambda x, y: (x * torch.nan, y), "must answer with finite inputs; found NaN or infinity"),
]


@pytest.mark.parametrize(("made", "told"), WRONG)
def test_poison_that_is_no_data_is_refused(made, told, monkeypatch):
    monkeypatch.setattr(Poison, "made", staticmethod(made), raising=False)
    with pytest.raises(InvalidConfig, match=f"^attack poison cannot poison the data of client 0: .*{told}"):
        shards_of(DATA, PARTS, ((Poison(), frozenset({0})),), 0)


@pytest.mark.parametrize(("made", "told"), WRONG)
def test_aims_that_are_no_data_are_refused(made, told, monkeypatch):
    monkeypatch.setattr(Aiming, "made", staticmethod(made), raising=False)
    with pytest.raises(InvalidConfig, match=f"^attack asking cannot choose what it aims at: .*{told}"):
        aims_of(DATA, ((Aiming(), frozenset({0})),), 0)


class Together(Poison):
    """Poisons the data of all of its clients at once."""

    def poison_together(self, held, classes, generator):
        return self.made(held, generator)


TOGETHER = [
    (lambda held, generator: {}[0], "KeyError: 0"),
    (lambda held, generator: held[:1], "must answer with a list of the data of 2 clients; found 1"),
    (lambda held, generator: None, "must answer with a list of the data of 2 clients; found None"),
    (lambda held, generator: [held[0], (held[1][0], held[1][1] + 3)], r"must answer with labels in 0 \.\.\. 2"),
]


@pytest.mark.parametrize(("made", "told"), TOGETHER)
def test_poison_made_together_that_is_no_data_is_refused(made, told, monkeypatch):
    monkeypatch.setattr(Together, "made", staticmethod(made), raising=False)
    with pytest.raises(InvalidConfig, match=f"^attack poison cannot poison its clients' data: .*{told}"):
        shards_of(DATA, PARTS, ((Together(), frozenset({0, 2})),), 0)


def test_clients_that_poison_together_share_what_they_hold_and_one_stream_of_random_numbers(monkeypatch):
    def swapped(held, generator):
        return [(own[0] + other[0].sum(), own[1]) for own, other in (held, held[::-1])]

    monkeypatch.setattr(Together, "made", staticmethod(swapped), raising=False)
    shards = shards_of(DATA, PARTS, ((Together(), frozenset({2, 0})),), 0)
    assert shards.pool.x.flatten().tolist()[6:] == [4, 5, 5]
    assert [part.tolist() for part in shards.parts] == [[6, 7], PARTS[1].tolist(), [8]]


def test_poison_that_leaves_everything_as_it_was_is_refused():
    flips = ((LabelFlip(), frozenset({2})),)  # of three classes the middle one keeps its label
    with pytest.raises(
        InvalidConfig, match=r"attack label_flip must change the data of some client .*; found 1 unchanged"
    ):
        shards_of(DATA, PARTS, flips, 0)
    assert shards_of(DATA, PARTS, ((LabelFlip(), frozenset({1, 2})),), 0).pool.y.tolist()[6:] == [0, 2, 1]


def test_a_size_to_which_nobody_shrinks_is_refused_whatever_is_claimed():
    """The two clients hold two examples and one."""
    held = frozenset({0, 2})
    with pytest.raises(InvalidConfig, match=r"attack weight must change the data of some client .*; found 2 unchanged"):
        shards_of(DATA, PARTS, ((WeightAttack(own_size=2, claimed_size=9), held),), 0)
    smaller = shards_of(DATA, PARTS, ((WeightAttack(own_size=1, claimed_size=9), held),), 0)
    assert [len(smaller.parts[client]) for client in (0, 2)] == [1, 1]


def test_poison_of_numbers_is_looked_at_by_what_is_learnt(monkeypatch):
    """Numbers may be any that the task takes: labels of a regression may be negative, and several labels are 0 or 1."""
    y = torch.tensor([[-1.0], [0.0], [1.0]])
    numbers = Dataset("numbers", Examples(torch.rand(3, 2), y), Examples(torch.rand(1, 2), y[:1]), 1)
    held, attacks = [torch.tensor([0, 1]), torch.tensor([2])], ((Poison(), frozenset({0})),)

    def poisoned(made, task):
        monkeypatch.setattr(Poison, "made", staticmethod(made), raising=False)
        return shards_of(numbers, held, attacks, 0, task).pool.y.flatten().tolist()

    assert poisoned(lambda x, y: (x + 1, y), Regression()) == [-1, 0, 1, -1, 0]
    assert poisoned(lambda x, y: (x, -3 * y - 1), Regression())[3:] == [2, -1]
    assert poisoned(lambda x, y: (x, 1 - y.abs()), MultiLabel())[3:] == [0, 1]
    with pytest.raises(InvalidConfig, match="must answer with finite labels; found NaN or infinity"):
        poisoned(lambda x, y: (x, y / 0), Regression())
    told = r"^attack poison must give client 0, for `task` multi_label, labels that are 0 or 1; found 2 \.\.\. 2$"
    with pytest.raises(InvalidConfig, match=told):
        poisoned(lambda x, y: (x, torch.full_like(y, 2.0)), MultiLabel())


def test_what_is_written_in_place_counts_and_harms_nobody_else(monkeypatch):
    monkeypatch.setattr(Poison, "made", staticmethod(lambda x, y: (x.fill_(9.0), y)), raising=False)
    shards = shards_of(DATA, PARTS, ((Poison(), frozenset({0})),), 0)
    assert shards.pool.x.flatten().tolist() == [0, 1, 2, 3, 4, 5, 9, 9]
    monkeypatch.setattr(Poison, "made", staticmethod(lambda x, y: (x, y.fill_(2))), raising=False)
    assert shards_of(DATA, PARTS, ((Poison(), frozenset({0})),), 0).pool.y.tolist() == [0, 1, 2, 0, 1, 2, 2, 2]
    before = DATA.test.y.clone()
    monkeypatch.setattr(Aiming, "made", staticmethod(lambda x, y: (x.fill_(9.0), y.fill_(1))), raising=False)
    aims_of(DATA, ((Aiming(), frozenset({0})),), 0)
    assert DATA.test.x.flatten().tolist() == [0, 1]
    assert DATA.test.y.equal(before)
