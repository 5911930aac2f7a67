"""What round machines are tried on: calls in a row, good ones and junk, and what must be accepted of them."""

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal, NamedTuple, TypeAlias

import torch
from hypothesis import strategies as st
from torch import Tensor

from fedprop.types import ClientId, Round
from fedprop.verify.targets.script import literal

POOL: tuple[ClientId, ...] = (41, 7, 23, 98, 5, 60, 0, 2**33)
"""Clients that may be invited. But for 0, which is not False, none can be taken for a position. One needs 64 bits."""

CROWD: tuple[ClientId, ...] = (*POOL, *range(101, 125))
"""Clients of a large round."""

STRANGER: ClientId = 13
"""Invited by nobody."""

SIZE = 2
"""The length of updates, where the machine lets others choose."""

SIZES, LARGE_SIZES = (SIZE, SIZE, 1, 3), (SIZE, 130)
"""Lengths to try there, in sessions as they are and in large ones."""

Form: TypeAlias = Literal[
    "good", "strided", "nan", "infinite", "short", "long", "matrix", "scalar", "float64", "float16", "int64", "live"
]

JUNK: tuple[Form, ...] = ("nan", "infinite", "short", "long", "matrix", "scalar", "float64", "float16", "int64", "live")

PARDONABLE: tuple[Form, ...] = ("float64", "float16", "int64", "live")
"""A machine may refuse such an update or convert it; one that is live carries a gradient."""

CREDIBLE = 10**6
"""A machine need not believe a client that claims more examples."""

Numbers: TypeAlias = Literal["whole", "fractions", "tiny", "large", "mixed"]
"""What updates consist of: integers below a hundred, multiples of a seventh, or those in another unit or several."""

UNITS: dict[Numbers, tuple[float, ...]] = {
    "whole": (1.0,),
    "fractions": (1 / 7,),
    "tiny": (1e-6 / 7,),
    "large": (1e9 / 7,),
    "mixed": (1 / 7, 1e-3 / 7, 1e3 / 7),
}

STARTS, STEPS = (0, 0, 0, 8, 1, 98, 2**31), (1, 1, 1, 1, 2, 90)
"""The number of the first round, and by how much numbers grow; the 10 that follows a 9 is smaller as a text."""


@dataclass(frozen=True)
class Open:
    """`open(round, clients)`."""

    round: Round
    clients: tuple[ClientId, ...]

    def lines(self, size: int, dtype: torch.dtype, *, reuse: bool) -> list[str]:
        """Python for the call; with `reuse`, for what becomes of its list after it, too."""
        clients = list(self.clients)
        if reuse:
            return [f"clients = {clients}", f"machine.open({self.round}, clients)", "clients.clear()"]
        return [f"machine.open({self.round}, {clients})"]


@dataclass(frozen=True)
class Send:
    """`receive(client, ..., round=round, examples=examples)`; the update is the `number`-th of those that never tie."""

    client: ClientId
    round: Round
    number: int
    examples: int = 1
    form: Form = "good"
    numbers: Numbers = "whole"

    def update(self, size: int, dtype: torch.dtype) -> Tensor:
        """The tensor that is sent to a machine for vectors [size]."""
        units = UNITS[self.numbers]
        unit, shift = units[self.number % len(units)], 0 if self.numbers == "whole" else 48
        row = [unit * (37 * (self.number + 1) * (k + 2) ** 2 % 97 - shift) for k in range(size)]
        spoilt = {"nan": [float("nan"), *row[1:]], "infinite": [float("inf"), *row[1:]], "scalar": row[0]}
        resized = {"short": row[:-1], "long": [*row, 1.0], "matrix": [row], "strided": [[x, 0.0] for x in row]}
        dtypes = {"float64": torch.float64, "float16": torch.float16, "int64": torch.int64}
        values: Any = {**spoilt, **resized}.get(self.form, row)
        sent = torch.tensor(values, dtype=torch.float64).to(dtypes.get(self.form, dtype))
        return sent[:, 0] if self.form == "strided" else sent.requires_grad_(self.form == "live")

    def lines(self, size: int, dtype: torch.dtype, *, reuse: bool) -> list[str]:
        """Python for the call; with `reuse`, for what becomes of its tensor after it, too."""
        update, told = self.update(size, dtype), f"round={self.round}, examples={self.examples}"
        value = literal(update)
        if self.form == "strided":
            value = f"{literal(torch.stack([update, 0 * update], dim=1))}[:, 0]"
        if self.form == "live":
            value += ".requires_grad_()"
        if reuse:
            call = f"print(machine.receive({self.client}, update, {told}))"
            return [f"update = {value}", call, "update.detach().fill_(99)"]
        return [f"print(machine.receive({self.client}, {value}, {told}))"]


@dataclass(frozen=True)
class Close:
    """`close()`."""

    def lines(self, size: int, dtype: torch.dtype, *, reuse: bool) -> list[str]:
        """Python for the call; with `reuse`, for what becomes of its answer after it, too."""
        if reuse:
            return ["closed = machine.close()", "print(closed)", "closed.value.fill_(99)"]
        return ["print(machine.close())"]


Operation: TypeAlias = Open | Send | Close


@dataclass(frozen=True)
class Session:
    """Calls in a row, to a machine for updates of this size where it lets others choose."""

    operations: tuple[Operation, ...]
    size: int = SIZE

    def __iter__(self) -> Iterator[Operation]:
        return iter(self.operations)

    def first_round(self) -> "Session":
        """The same up to the first end of a round."""
        return replace(self, operations=self.operations[: self.operations.index(Close()) + 1])

    def half(self) -> "Session":
        """The first half of the calls."""
        return replace(self, operations=self.operations[: len(self.operations) // 2])

    def sent(self) -> list[Send]:
        """All messages."""
        return [operation for operation in self if isinstance(operation, Send)]

    def alike(self) -> "Session":
        """The same with one and the same update from everybody in a round."""
        told, number = [], 0
        for operation in self:
            number += isinstance(operation, Open)
            told.append(replace(operation, number=number) if isinstance(operation, Send) else operation)
        return replace(self, operations=tuple(told))

    def interrupted(self) -> "Session":
        """The same with one more `open` in the midst of a round, about half way."""
        is_open, places = False, []
        for position, operation in enumerate(self):
            is_open = isinstance(operation, Open) or (is_open and isinstance(operation, Send))
            places += [position + 1] if is_open else []
        before = self.operations[: places[len(places) // 2]]
        opened = next(operation for operation in reversed(before) if isinstance(operation, Open))
        again = Open(opened.round + 1, opened.clients)
        return replace(self, operations=(*before, again, *self.operations[len(before) :]))


class Habit(NamedTuple):
    """What is odd about a message: whether its sender was invited, for how many rounds later, what it holds."""

    invited: bool = True
    later: int = 0
    examples: int = 1
    form: Form = "good"


PLAIN = tuple(Habit(examples=examples) for examples in (1, 2, 3, 1, 2, 3, 1, 40))

ODD = (
    Habit(invited=False),
    Habit(later=-1),
    Habit(later=1),
    Habit(examples=0),
    Habit(examples=-3),
    Habit(examples=10**12),
    *(Habit(form=form) for form in (*JUNK, "strided")),
    Habit(invited=False, later=-1, form="nan"),
)


class Shape(NamedTuple):
    """How large a session is: the least and the most rounds, clients invited to each, and messages of each."""

    pool: tuple[ClientId, ...]
    rounds: tuple[int, int]
    clients: tuple[int, int]
    messages: tuple[int, int]


USUAL = Shape(POOL, rounds=(1, 3), clients=(1, 5), messages=(0, 7))
LARGE = (
    Shape(CROWD, rounds=(1, 1), clients=(12, 25), messages=(12, 40)),
    Shape(POOL, rounds=(11, 14), clients=(1, 2), messages=(0, 3)),
)


def sessions(*, junk: bool = True, sizes: Sequence[int] = (SIZE,)) -> st.SearchStrategy[Session]:
    """Up to three rounds of a few messages; with `junk`, of every kind and at any time, and closed once too often."""
    return _sessions(_rounds(USUAL, junk=junk), sizes, junk=junk)


def large_sessions(*, junk: bool = True, sizes: Sequence[int] = (SIZE,)) -> st.SearchStrategy[Session]:
    """One round of many messages, or many rounds."""
    return _sessions(st.one_of([_rounds(shape, junk=junk) for shape in LARGE]), sizes, junk=junk)


def _sessions(rounds: st.SearchStrategy[Any], sizes: Sequence[int], *, junk: bool) -> st.SearchStrategy[Session]:
    numbers = st.sampled_from(tuple(UNITS))
    count = st.tuples(st.sampled_from(STARTS), st.sampled_from(STEPS))
    return st.tuples(rounds, numbers, count, st.sampled_from(sizes)).map(
        lambda drawn: Session(tuple(_told(*drawn[:3], once=not junk)), drawn[3])
    )


def _rounds(shape: Shape, *, junk: bool) -> st.SearchStrategy[list[Any]]:
    """Rounds as (invited, messages before, messages, how often it is closed)."""
    who = st.integers(0, len(shape.pool) - 1)
    habits = st.sampled_from(PLAIN * 3 + ODD if junk else PLAIN)
    invited = _lists(st.sampled_from(shape.pool), shape.clients, unique=True).map(tuple)
    messages = _lists(st.tuples(who, habits), shape.messages)
    early = st.lists(st.tuples(who, st.sampled_from((Habit(), *ODD))), max_size=1) if junk else st.just([])
    closes = st.sampled_from((1, 2)) if junk else st.just(1)
    return _lists(st.tuples(invited, early, messages, closes), shape.rounds)


def _lists(
    items: st.SearchStrategy[Any], size: tuple[int, int], *, unique: bool = False
) -> st.SearchStrategy[list[Any]]:
    return st.lists(items, min_size=size[0], max_size=size[1], unique=unique)


def _told(rounds: Any, numbers: Numbers, count: tuple[int, int], *, once: bool) -> Iterator[Operation]:
    following = itertools.count()
    for position, (clients, before, messages, closes) in enumerate(rounds):
        round = count[0] + position * count[1]
        sent = {who % len(clients): (who, habit) for who, habit in messages}.values() if once else messages
        for who, habit in before:
            yield _sent(clients, round - count[1], who, habit, next(following), numbers)
        yield Open(round, clients)
        for who, habit in sent:
            yield _sent(clients, round, who, habit, next(following), numbers)
        yield from [Close()] * closes


def _sent(clients: tuple[ClientId, ...], about: Round, who: int, habit: Habit, number: int, numbers: Numbers) -> Send:
    others = [client for client in (*POOL, STRANGER) if client not in clients]
    among = clients if habit.invited else others
    return Send(among[who % len(among)], about + habit.later, number, habit.examples, habit.form, numbers)


@dataclass
class Model:
    """The law on what is accepted, in a few lines.

    Attributes
    ----------
    accepted : the messages accepted in each round so far.
    """

    accepted: list[list[Send]] = field(default_factory=list)
    _open: Open | None = None
    _spoilt: set[ClientId] = field(default_factory=set)

    def open(self, operation: Open) -> None:
        """A round begins."""
        self._open, self._spoilt = operation, set()
        self.accepted.append([])

    def close(self) -> None:
        """The round, if there is one, ends."""
        self._open = None

    def owed(self, message: Send) -> bool | None:
        """Whether a message must be accepted (True) or refused (False); None if the machine may choose.

        It may choose on a dtype that it can convert and a claim of examples that it need not believe, and whether a
        client gets a second try after a message that was refused for its content.
        """
        opened = self._open
        if opened is None or message.round != opened.round or message.client not in opened.clients:
            return False
        if message.client in {accepted.client for accepted in self.accepted[-1]}:
            return False
        if message.form in JUNK and message.form not in PARDONABLE:
            self._spoilt.add(message.client)
            return False
        credible = 1 <= message.examples <= CREDIBLE
        choice = message.form in PARDONABLE or not credible or message.client in self._spoilt
        return None if choice else True

    def judged(self, message: Send, accepted: bool) -> None:
        """What the machine did with a message on which it was right to do so."""
        if accepted:
            self.accepted[-1].append(message)
        else:
            self._spoilt.add(message.client)
