"""What rules with memory are tried on: a few rounds with changing participants, and what a rule makes of them."""

import copy
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, is_dataclass, replace
from typing import Any, TypeAlias

import numpy as np
import torch
from hypothesis import strategies as st
from torch import Tensor

from fedprop.aggregators import Aggregation, Aggregator, Cohort
from fedprop.aggregators.rooted import told_by
from fedprop.errors import FedpropError, WrongAnswer
from fedprop.failures import in_words
from fedprop.types import ClientId, Updates, Vector
from fedprop.verify.hunting.claim import Crashed, Refused, contained

POOL: tuple[ClientId, ...] = (41, 7, 0, 23, 98, 2**33, 5, 60, 77, 12, 36, 84, 53, 19, 66, 31, 90, 48)
"""Clients that may take part. But for 0, which is not False, none can be taken for a position. One needs 64 bits."""

MOST_ROUNDS, EXTRA_ROWS = 4, 2

MANY_ROUNDS, MANY_ROWS, WIDE = 12, 20, 40
"""At most so many rounds, rows beside the fewest, and numbers in a row, in large stories."""

UNITS = (1.0, 1 / 7)
"""Integers, or fractions that no float holds exactly."""

ALIKE = (None, (1, 1), (1, -1))
"""Rows of their own, all equal, or every second one opposite to the others."""

SCALES = (1.0, 0.0, 1e6, 1e20)
"""Rounds of zeros, and rounds whose squares overflow float32, are part of life."""


@dataclass(frozen=True)
class Turn:
    """One round: who takes part, in what order, with which updates [n][d], claiming how many examples."""

    clients: tuple[ClientId, ...]
    rows: tuple[tuple[float, ...], ...]
    examples: tuple[int, ...]

    def updates(self, dtype: torch.dtype = torch.float64) -> Updates:
        """The rows as a new tensor."""
        return torch.tensor(self.rows, dtype=dtype)

    def cohort(self, dtype: torch.dtype = torch.float64) -> Cohort:
        """What the rule is given, and may ask."""
        rows = self.updates(dtype)
        return Cohort(rows, self.clients, self.examples).changed(**told_by(knowledge(rows)))

    def reordered(self, order: Sequence[int]) -> "Turn":
        """The same round with the rows in another order."""
        return Turn(
            tuple(self.clients[i] for i in order),
            tuple(self.rows[i] for i in order),
            tuple(self.examples[i] for i in order),
        )


Story: TypeAlias = tuple[Turn, ...]
"""Rounds in the order in which they happen."""


def stories(least: int, *, wild: bool = False) -> st.SearchStrategy[Story]:
    """Up to four rounds of at least `least` rows, small integers; `wild` ones have equal, opposite and huge rows."""
    most = least + EXTRA_ROWS
    pool = (*POOL, *range(100, 100 + most))[: most + 2]
    clients = st.lists(st.sampled_from(pool), min_size=least, max_size=most, unique=True)
    cells = st.lists(st.integers(-5, 5), min_size=2 * most, max_size=2 * most)
    examples = st.lists(st.integers(1, 3), min_size=most, max_size=most)
    turns = st.tuples(clients, cells, examples, st.sampled_from(SCALES if wild else SCALES[:1]), st.sampled_from(ALIKE))
    rounds = st.lists(turns, min_size=1, max_size=MOST_ROUNDS)
    return st.tuples(st.integers(1, 2), st.sampled_from(UNITS), rounds).map(
        lambda drawn: tuple(_turn(drawn[0], drawn[1], *turn, wild=wild) for turn in drawn[2])
    )


def large_stories(least: int) -> st.SearchStrategy[Story]:
    """Many rounds of many rows with many numbers, by clients that claim many examples."""
    sizes = (st.integers(1, MANY_ROUNDS), st.integers(0, MANY_ROWS), st.integers(1, WIDE))
    return st.tuples(*sizes, st.integers(0, 2**16)).map(lambda drawn: _large(least, *drawn))


def _large(least: int, rounds: int, extra: int, d: int, seed: int) -> Story:
    generator, most = torch.Generator().manual_seed(seed), least + extra

    def integers(low: int, high: int, *shape: int) -> Any:
        return torch.randint(low, high, shape, generator=generator).tolist()

    def turn() -> Turn:
        n = integers(least, most + 1, 1)[0]
        clients = torch.randperm(2 * most, generator=generator)[:n].tolist()
        rows = tuple(tuple(UNITS[1] * x for x in row) for row in integers(-5, 6, n, d))
        return Turn(tuple(clients), rows, tuple(integers(1, 200, n)))

    return tuple(turn() for _ in range(rounds))


def _turn(
    d: int,
    unit: float,
    clients: list[ClientId],
    cells: list[int],
    examples: list[int],
    scale: float,
    alike: tuple[int, int] | None,
    *,
    wild: bool,
) -> Turn:
    n = len(clients)
    rows = [cells[i * d : (i + 1) * d] for i in range(n)]
    if wild and alike is not None:
        rows = [[alike[i % 2] * x for x in rows[0]] for i in range(n)]
    placed = tuple(tuple(scale * unit * x + 0.0 for x in row) for row in rows)
    return Turn(tuple(clients), placed, tuple(examples[:n]))


def step(rule: Aggregator, cohort: Cohort, state: Any) -> Aggregation:
    """One round. A rule may decline by an error of this package; anything else is a crash."""
    try:
        with contained():
            found = rule.aggregate(cohort, state)
    except WrongAnswer as error:
        raise Crashed(str(error)) from error
    except FedpropError as error:
        raise Refused(in_words(error)) from error
    except Exception as error:
        raise Crashed(in_words(error)) from error
    return found


def play(rule: Aggregator, story: Story) -> list[Aggregation]:
    """The answer in every round. States are copied on the way, so that a rule that changes one harms itself alone."""
    state, answers = rule.init(), []
    for turn in story:
        answer = step(rule, turn.cohort(), copy.deepcopy(state))
        state = copy.deepcopy(answer.state)
        answers.append(answer._replace(state=state))
    return answers


def renamed(story: Story, names: Mapping[ClientId, ClientId]) -> Story:
    """The same rounds with other client ids."""
    return tuple(replace(turn, clients=tuple(names[client] for client in turn.clients)) for turn in story)


def nudged(story: Story, seed: int, size: float) -> Story:
    """The same rounds with every number off by about `size`."""
    generator = torch.Generator().manual_seed(seed)

    def move(rows: tuple[tuple[float, ...], ...]) -> tuple[tuple[float, ...], ...]:
        moved = torch.tensor(rows, dtype=torch.float64)
        moved = moved + size * torch.randn(moved.shape, generator=generator, dtype=torch.float64)
        return tuple(map(tuple, moved.tolist()))

    return tuple(replace(turn, rows=move(turn.rows)) for turn in story)


def knowledge(rows: Updates) -> Vector:
    """All that the server knows in every round, if the rule asks: 1, 2, 3, ..., as `Rooted` takes it."""
    return torch.arange(1, rows.shape[1] + 1, dtype=rows.dtype)


def rows_of(story: Story) -> Updates:
    """All updates of all rounds."""
    return torch.tensor([row for turn in story for row in turn.rows], dtype=torch.float64)


def same_state(a: Any, b: Any) -> bool:
    """Whether two states are equal to the bit, whatever they are made of."""
    if isinstance(a, Tensor) and isinstance(b, Tensor):
        return a.shape == b.shape and a.dtype == b.dtype and torch.equal(a.nan_to_num(), b.nan_to_num())
    if isinstance(a, np.ndarray) and isinstance(b, np.ndarray):
        return a.dtype == b.dtype and np.array_equal(a, b, equal_nan=a.dtype.kind == "f")
    if isinstance(a, Mapping) and isinstance(b, Mapping):
        return a.keys() == b.keys() and all(same_state(a[key], b[key]) for key in a)
    if isinstance(a, list | tuple) and isinstance(b, list | tuple):
        return len(a) == len(b) and all(same_state(x, y) for x, y in zip(a, b, strict=True))
    if is_dataclass(a) and type(a) is type(b):
        return all(same_state(getattr(a, field.name), getattr(b, field.name)) for field in fields(a))
    return type(a) is type(b) and bool(a == b)
