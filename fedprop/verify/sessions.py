"""What round machines are tried on: calls in a row, good ones and junk, and what must be accepted of them."""

import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Literal, NamedTuple, TypeAlias

import torch
from hypothesis import strategies as st
from torch import Tensor

from fedprop.errors import FedpropError
from fedprop.types import ClientId, Round, Vector
from fedprop.verify.claim import Crashed, contained, in_words, shortened

POOL: tuple[ClientId, ...] = (41, 7, 23, 98, 5, 60)
"""Clients that may be invited. None is near 0, so that no id can be taken for a position."""

STRANGER: ClientId = 13
"""Invited by nobody."""

Form: TypeAlias = Literal["good", "nan", "infinite", "short", "long", "matrix", "float64", "int64"]

JUNK: tuple[Form, ...] = ("nan", "infinite", "short", "long", "matrix", "float64", "int64")

PARDONABLE: tuple[Form, ...] = ("float64", "int64")
"""A machine may refuse such an update or convert it."""


@dataclass(frozen=True)
class Open:
    """`open(round, clients)`."""

    round: Round
    clients: tuple[ClientId, ...]


@dataclass(frozen=True)
class Send:
    """`receive(client, ..., round=round, examples=examples)`; the update is the `number`-th of those that never tie."""

    client: ClientId
    round: Round
    number: int
    examples: int = 1
    form: Form = "good"

    def update(self, size: int, dtype: torch.dtype) -> Tensor:
        """The tensor that is sent to a machine for vectors [size]."""
        row = [float(37 * (self.number + 1) * (k + 2) ** 2 % 97) for k in range(size)]
        spoilt = {"nan": [float("nan"), *row[1:]], "infinite": [float("inf"), *row[1:]]}
        resized = {"short": row[:-1], "long": [*row, 1.0], "matrix": [row]}
        dtypes = {"float64": torch.float64, "int64": torch.int64}
        values: Any = {**spoilt, **resized}.get(self.form, row)
        return torch.tensor(values, dtype=dtypes.get(self.form, dtype))


@dataclass(frozen=True)
class Close:
    """`close()`."""


Operation: TypeAlias = Open | Send | Close
Session: TypeAlias = tuple[Operation, ...]


class Ended(NamedTuple):
    """What `close` answered."""

    value: Vector | None
    verdicts: dict[ClientId, float]


@dataclass
class Log:
    """What a machine did with a session: `decisions` on its messages, and the `ends` of its rounds."""

    decisions: list[bool] = field(default_factory=list)
    ends: list[Ended] = field(default_factory=list)


class Habit(NamedTuple):
    """What is odd about a message: whether its sender was invited, for how many rounds later, what it holds."""

    invited: bool = True
    later: int = 0
    examples: int = 1
    form: Form = "good"


PLAIN = tuple(Habit(examples=examples) for examples in (1, 2, 3))

ODD = (
    Habit(invited=False),
    Habit(later=-1),
    Habit(later=1),
    Habit(examples=0),
    Habit(examples=-3),
    *(Habit(form=form) for form in JUNK),
    Habit(invited=False, later=-1, form="nan"),
)

_INVITED = st.lists(st.sampled_from(POOL), min_size=1, max_size=5, unique=True).map(tuple)
_WHO = st.integers(0, len(POOL) - 1)
_GOOD = st.lists(st.tuples(_WHO, st.sampled_from(PLAIN)), max_size=5)
_ANY = st.lists(st.tuples(_WHO, st.sampled_from(PLAIN * 4 + ODD)), max_size=7)
_BEFORE = st.lists(st.tuples(_WHO, st.sampled_from((Habit(), *ODD))), max_size=1)

ORDERLY: st.SearchStrategy[list[Any]] = st.lists(
    st.tuples(_INVITED, st.just([]), _GOOD, st.just(1)), min_size=1, max_size=3
)
"""Rounds as (invited, messages before, messages, how often it is closed), where nothing is odd."""

DISORDERLY: st.SearchStrategy[list[Any]] = st.lists(
    st.tuples(_INVITED, _BEFORE, _ANY, st.sampled_from((1, 2))), min_size=1, max_size=3
)
"""The same with junk of every kind, at any time."""


def sessions(*, junk: bool = True) -> st.SearchStrategy[Session]:
    """Up to three rounds of a few messages; with `junk`, of every kind and at any time, and closed once too often."""
    return (DISORDERLY if junk else ORDERLY).map(lambda rounds: _session(rounds, once=not junk))


def _session(rounds: Any, *, once: bool) -> Session:
    operations: list[Operation] = []
    numbers = itertools.count()
    for number, (clients, before, messages, closes) in enumerate(rounds):
        sent = {who % len(clients): (who, habit) for who, habit in messages}.values() if once else messages
        operations += [_sent(clients, number - 1, who, habit, next(numbers)) for who, habit in before]
        operations.append(Open(number, clients))
        operations += [_sent(clients, number, who, habit, next(numbers)) for who, habit in sent]
        operations += [Close()] * closes
    return tuple(operations)


def _sent(clients: tuple[ClientId, ...], about: Round, who: int, habit: Habit, number: int) -> Send:
    others = [client for client in (*POOL, STRANGER) if client not in clients]
    among = clients if habit.invited else others
    return Send(among[who % len(among)], about + habit.later, number, habit.examples, habit.form)


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
        if message.form != "good" and message.form not in PARDONABLE:
            self._spoilt.add(message.client)
            return False
        choice = message.form in PARDONABLE or message.examples < 1 or message.client in self._spoilt
        return None if choice else True

    def judged(self, message: Send, accepted: bool) -> None:
        """What the machine did with a message on which it was right to do so."""
        if accepted:
            self.accepted[-1].append(message)
        else:
            self._spoilt.add(message.client)


def play(machine: Any, session: Session) -> Log:
    """Make all calls, and note what comes back.

    Raises
    ------
    Crashed
        If a call raises. Closing what is not open may be answered by an error that was meant: one of this package, a
        ValueError or a RuntimeError.
    """
    log = Log()
    size, dtype = getattr(machine, "size", 2), getattr(machine, "dtype", torch.float32)
    is_open = False
    for operation in session:
        if isinstance(operation, Open):
            _call(operation, partial(machine.open, operation.round, list(operation.clients)))
        elif isinstance(operation, Send):
            update = operation.update(size, dtype)
            log.decisions.append(bool(_call(operation, partial(_receive, machine, operation, update))))
            if not torch.equal(update.nan_to_num(), operation.update(size, dtype).nan_to_num()):
                raise Crashed(f"{operation} is changed to {update.tolist()}")
        elif is_open:
            log.ends.append(_ended(_call(operation, machine.close)))
        else:
            _close_nothing(machine)
        is_open = isinstance(operation, Open) or (is_open and isinstance(operation, Send))
    return log


def _receive(machine: Any, operation: Send, update: Tensor) -> Any:
    return machine.receive(operation.client, update, round=operation.round, examples=operation.examples)


def _call(operation: Operation, call: Callable[[], Any]) -> Any:
    try:
        with contained():
            return call()
    except Exception as error:
        raise Crashed(f"{in_words(error)}, at {operation}") from error


def _close_nothing(machine: Any) -> None:
    try:
        with contained():
            machine.close()
    except (FedpropError, ValueError, RuntimeError):
        return
    except Exception as error:
        raise Crashed(f"{in_words(error)}, at a close when no round is open") from error


def _ended(closed: Any) -> Ended:
    if closed is None:
        return Ended(None, {})
    try:
        value, verdicts = closed
        ended = Ended(value, {client: float(weight) for client, weight in dict(verdicts or {}).items()})
    except (TypeError, ValueError):
        ended = None
    if ended is None or not isinstance(ended.value, Tensor | None):
        found = shortened(repr(closed))
        raise Crashed(f"`close` must answer with a tensor or None, and verdicts; found {found}")
    return ended


def accepted_by(session: Session, decisions: Sequence[bool]) -> list[list[Send]]:
    """The first message of each client that was accepted in each round, by what the machine said itself."""
    rounds: list[list[Send]] = []
    said = iter(decisions)
    is_open = False
    for operation in session:
        if isinstance(operation, Open):
            rounds.append([])
        elif isinstance(operation, Send):
            taken = next(said) and is_open and operation.round == len(rounds) - 1
            if taken and operation.client not in {before.client for before in rounds[-1]}:
                rounds[-1].append(operation)
        is_open = isinstance(operation, Open) or (is_open and isinstance(operation, Send))
    return rounds


def clean(session: Session, rounds: Sequence[Sequence[Send]]) -> Session:
    """The same rounds with nothing but these messages in each."""
    opens = [operation for operation in session if isinstance(operation, Open)]
    operations: list[Operation] = []
    for opened, sent in zip(opens, rounds, strict=True):
        operations += [opened, *sent, Close()]
    return tuple(operations)


def same_end(a: Ended, b: Ended) -> bool:
    """Whether two ends are the same up to rounding in float32."""
    if (a.value is None) != (b.value is None) or a.verdicts.keys() != b.verdicts.keys():
        return False
    if any(abs(weight - b.verdicts[client]) > 1e-5 for client, weight in a.verdicts.items()):
        return False
    if a.value is None or b.value is None:
        return True
    return a.value.shape == b.value.shape and torch.allclose(
        a.value.double(), b.value.double(), rtol=1e-5, atol=1e-4, equal_nan=True
    )
