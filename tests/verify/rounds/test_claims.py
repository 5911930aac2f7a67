import sys

import pytest
import torch

from fedprop.aggregators import Contract, Krum, Mean, Median
from fedprop.defenses import Closed, Guarded
from fedprop.errors import InvalidConfig
from fedprop.properties import claims
from fedprop.verify.hunting.hunt import Effort, hunt, hunt_all
from fedprop.verify.rounds.claims import defense_claims, is_defense
from fedprop.verify.rounds.playing import accepted_by, clean
from fedprop.verify.rounds.sessions import Close, Model, Open, Send, Session


def outcomes(target, examples=40, settings=None, only=()):
    found = defense_claims(target, f"{__name__}:{getattr(target, '__name__', type(target).__name__)}", settings or {})
    wanted = [claim for claim in found if not only or claim.name in only]
    return {outcome.name: outcome for outcome in hunt_all(wanted, Effort(examples, 0, shrink=False))}


def broken(found):
    return {name for name, outcome in found.items() if outcome.fails}


class Plain:
    """The mean of one finite vector from each invited client, weighted by examples."""

    def __init__(self, size=2):
        self.size = size
        self.round, self.invited, self.rows = None, set(), {}

    def contract(self):
        return Contract(linear=True, idempotent=True, examples="copies")

    def open(self, number, clients):
        if self.round is not None:
            raise RuntimeError("a round is open")
        self.round, self.invited, self.rows = number, set(clients), {}

    def receive(self, client, update, *, round, examples=1):
        if not self.due(client, round) or not self.usable(update, examples):
            return False
        self.rows[client] = self.kept(update), self.count(examples)
        return True

    def kept(self, update):
        return update.detach().double().clone()

    def due(self, client, number):
        return number == self.round and client in self.invited and client not in self.rows

    def usable(self, update, examples):
        return update.shape == (self.size,) and bool(torch.isfinite(update).all()) and examples >= 1

    def count(self, examples):
        return examples

    def close(self):
        self.round, rows = None, self.rows
        if not rows:
            return None
        total = sum(n for _, n in rows.values())
        verdicts = {client: n / total for client, (_, n) in rows.items()}
        return Closed(sum(verdicts[client] * row for client, (row, _) in rows.items()), verdicts)


class Copies(Plain):
    def due(self, client, number):
        return number == self.round and client in self.invited


class Stale(Plain):
    def due(self, client, number):
        return self.round is not None and number <= self.round and client in self.invited and client not in self.rows


class Strangers(Plain):
    def due(self, client, number):
        return number == self.round and client not in self.rows


class TooStrict(Plain):
    def usable(self, update, examples):
        return super().usable(update, examples) and examples < 3


class Trusting(Plain):
    def usable(self, update, examples):
        return update.shape == (self.size,)


class AnyCount(Plain):
    def usable(self, update, examples):
        return super().usable(update, 1)


class Squares(Plain):
    def count(self, examples):
        return examples**2


class Ignores(Plain):
    def count(self, examples):
        return 1


class Crashes(Plain):
    def usable(self, update, examples):
        return bool((update - torch.zeros(self.size)).isfinite().all()) and examples >= 1


class InPlace(Plain):
    def usable(self, update, examples):
        good = super().usable(update, examples)
        update.zero_()
        return good


class ClosesBadly(Plain):
    def close(self):
        return None if self.round is None else {}["no such thing"]


class ClosesNothing(Plain):
    def close(self):
        self.round + 0
        return super().close()


class AnswersANumber(Plain):
    def close(self):
        super().close()
        return 3


class AnswersAList(Plain):
    def close(self):
        closed = super().close()
        return closed and Closed(closed.value.tolist(), closed.verdicts)


class EndsPython(Plain):
    def usable(self, update, examples):
        return super().usable(update, examples) or sys.exit(0)


class FirstCounts(Plain):
    """The first to arrive gets all the weight."""

    def close(self):
        closed = super().close()
        first = next(iter(self.rows), None)
        return closed and Closed(self.rows[first][0], {client: float(client == first) for client in self.rows})


class Forgets(Plain):
    def close(self):
        closed = super().close()
        return closed and Closed(closed.value, dict(list(closed.verdicts.items())[1:]))


class Infinite(Plain):
    def close(self):
        closed = super().close()
        return closed and Closed(closed.value, {client: float("inf") for client in closed.verdicts})


class LongValue(Plain):
    def close(self):
        closed = super().close()
        return closed and Closed(torch.cat([closed.value, closed.value]), closed.verdicts)


class WrongClient(Plain):
    def close(self):
        closed = super().close()
        return closed and Closed(
            closed.value, dict(zip(closed.verdicts, list(closed.verdicts.values())[::-1], strict=True))
        )


class SharedTable(Plain):
    """All machines add to one table of totals."""

    opened: list[int] = []  # noqa: RUF012

    def close(self):
        closed = super().close()
        self.opened.append(1)
        return closed and Closed(closed.value + len(self.opened), closed.verdicts)


class CountsJunk(Plain):
    """A refused message still pulls the answer."""

    def receive(self, client, update, *, round, examples=1):
        taken = super().receive(client, update, round=round, examples=examples)
        self.junk = getattr(self, "junk", 0) + (not taken)
        return taken

    def close(self):
        closed = super().close()
        return closed and Closed(closed.value + getattr(self, "junk", 0), closed.verdicts)


class Reopens(Plain):
    """A second `open` drops what was accepted."""

    def open(self, number, clients):
        self.round = None
        super().open(number, clients)


class HarmedByOpen(Plain):
    """The second `open` is refused, but its guests are the ones invited now."""

    def open(self, number, clients):
        self.invited = set(clients) if self.round is None else set()
        super().open(number, clients)


class WholeNumbers(Plain):
    def kept(self, update):
        return super().kept(update.round())


class Half(Plain):
    def kept(self, update):
        return super().kept(update.bfloat16())


class OneMore(Plain):
    """The sum is divided by one more than there are; its verdicts say so."""

    def close(self):
        closed = super().close()
        share = len(self.rows) / (len(self.rows) + 1)
        return closed and Closed(share * closed.value, {c: share * w for c, w in closed.verdicts.items()})


class KeepsReferences(Plain):
    def kept(self, update):
        return update.detach()


class KeepsTheList(Plain):
    def open(self, number, clients):
        super().open(number, clients)
        self.invited = clients


class HandsOutItsMemory(Plain):
    """The value is the sum over all rounds, and the tensor in which it is kept."""

    def __init__(self, size=2):
        super().__init__(size)
        self.total = torch.zeros(size, dtype=torch.float64)

    def contract(self):
        return Contract()

    def close(self):
        closed = super().close()
        if closed:
            self.total += closed.value
        return closed and Closed(self.total, closed.verdicts)


class SevenSeats(Plain):
    def due(self, client, number):
        return super().due(client, number) and len(self.rows) < 7


class EightMessages(Plain):
    """The table of messages has so many lines."""

    def open(self, number, clients):
        super().open(number, clients)
        self.seen = 0

    def due(self, client, number):
        self.seen = getattr(self, "seen", 0) + 1
        return self.seen <= 8 and super().due(client, number)


class NumbersAsText(Plain):
    """Round 10 comes before round 9."""

    last = ""

    def open(self, number, clients):
        if str(number) < self.last:
            raise ValueError("rounds must ascend")
        super().open(number, clients)
        self.last = str(number)


class TenRounds(Plain):
    """The history has ten places."""

    rounds = 0

    def open(self, number, clients):
        super().open(number, clients)
        self.rounds += 1
        list(range(10))[self.rounds - 1]


class NobodyIsZero(Plain):
    def due(self, client, number):
        return bool(client) and super().due(client, number)


class ThirtyTwoBits(Plain):
    def receive(self, client, update, *, round, examples=1):
        return super().receive(client % 2**32, update, round=round, examples=examples)


class NeedsContiguous(Plain):
    def kept(self, update):
        return super().kept(torch.frombuffer(update.detach().numpy(), dtype=torch.float32))


class FirstHundred(Plain):
    """Sums are taken over blocks of a hundred numbers, and there is one block."""

    def kept(self, update):
        row = super().kept(update)
        row[100:] = 0
        return row


@pytest.mark.parametrize(
    "machine", [Plain, Plain(3), Guarded(Mean(), 2), Guarded(Krum(f=1), 1), Guarded(Median(), 2, dtype=torch.float64)]
)
def test_correct_machines_pass(machine):
    assert not broken(outcomes(machine))


@pytest.mark.parametrize(
    ("machine", "expected"),
    [
        (Copies, "admission"),
        (Copies, "exactly once"),
        (Stale, "admission"),
        (Strangers, "admission"),
        (TooStrict, "admission"),
        (Trusting, "admission"),
        (AnyCount, "no such count"),
        (Squares, "examples"),
        (Ignores, "examples"),
        (Crashes, "calls answered"),
        (InPlace, "calls answered"),
        (ClosesBadly, "calls answered"),
        (ClosesNothing, "calls answered"),
        (AnswersANumber, "calls answered"),
        (AnswersAList, "calls answered"),
        (EndsPython, "calls answered"),
        (FirstCounts, "order of arrival"),
        (Forgets, "verdicts"),
        (Infinite, "verdicts"),
        (LongValue, "finite"),
        (WrongClient, "weights"),
        (SharedTable, "repeatable"),
        (CountsJunk, "exactly once"),
        (Reopens, "one round at a time"),
        (HarmedByOpen, "one round at a time"),
        (WholeNumbers, "weights"),
        (WholeNumbers, "equal updates"),
        (Half, "weights"),
        (OneMore, "equal updates"),
        (KeepsReferences, "own copies"),
        (KeepsTheList, "own copies"),
        (HandsOutItsMemory, "own copies"),
        (SevenSeats, "admission"),
        (EightMessages, "admission"),
        (NumbersAsText, "calls answered"),
        (TenRounds, "calls answered"),
        (NobodyIsZero, "admission"),
        (ThirtyTwoBits, "admission"),
        (NeedsContiguous, "calls answered"),
        (FirstHundred, "weights"),
    ],
)
def test_broken_machines_are_caught(machine, expected):
    found = outcomes(machine, examples=150, only=[expected])[expected]
    assert found.fails
    assert "machine" in found.counterexample.code


def test_what_nobody_claims_is_only_tried():
    class Unstated(Squares):
        contract = None

    found = outcomes(Unstated, only=["examples", "weights"])
    assert found["examples"].verdict == "broken"
    assert not broken(found)
    assert "examples" in broken(outcomes(claims(examples="ignored")(Unstated), only=["examples"]))


def test_what_is_a_defense():
    def make(size=1):
        return Plain(size)

    def needs_an_argument(rows):
        return rows

    def fails():
        raise ValueError

    assert is_defense(Plain)
    assert is_defense(Plain())
    assert is_defense(make)
    assert not any(map(is_defense, (needs_an_argument, fails, Mean, Mean(), len, 3, open)))
    assert not broken(outcomes(make, examples=10))


def test_settings_must_fit():
    with pytest.raises(InvalidConfig, match="is made"):
        defense_claims(Plain(), "Plain", {"size": 3})
    with pytest.raises(InvalidConfig, match="use --set name=value"):
        defense_claims(Guarded, "Guarded", {})
    assert not broken(outcomes(Plain, settings={"size": 5}, examples=10))


def test_the_law():
    model = Model()
    assert model.owed(Send(7, 0, 0)) is False
    model.open(Open(0, (7, 41)))
    assert model.owed(Send(7, 0, 0)) is True
    model.judged(Send(7, 0, 0), True)
    assert model.owed(Send(7, 0, 1)) is False
    assert model.owed(Send(5, 0, 1)) is False
    assert model.owed(Send(41, 1, 1)) is False
    assert model.owed(Send(41, 0, 1, form="nan")) is False
    assert model.owed(Send(41, 0, 1)) is None
    model.close()
    assert model.owed(Send(41, 0, 2)) is False
    assert model.accepted == [[Send(7, 0, 0)]]


def test_what_counts_is_the_first_accepted_message_of_each_client():
    session = Session(
        (
            Send(7, 0, 0),
            Open(0, (7,)),
            Send(7, 0, 1),
            Send(7, 0, 2),
            Close(),
            Open(1, (7,)),
            Send(7, 0, 3),
            Close(),
        )
    )
    rounds = accepted_by(session, [True, True, True, True])
    assert rounds == [[Send(7, 0, 1)], []]
    assert clean(session, rounds).operations == (Open(0, (7,)), Send(7, 0, 1), Close(), Open(1, (7,)), Close())


def test_the_code_shows_it_again(capsys):
    claim = next(c for c in defense_claims(Copies, f"{__name__}:Copies", {}) if c.name == "exactly once")
    code = hunt(claim, Effort(60, 0)).counterexample.code
    exec("import torch\n" + code[code.index("machine.open") :], {"machine": Copies(2)})
    assert capsys.readouterr().out.startswith("True\nTrue\nClosed(")
