"""Round machines: a correct one, and others that each get one thing wrong."""

import sys

import torch

from fedprop.aggregators import Contract
from fedprop.defenses import Closed


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
