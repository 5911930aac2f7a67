"""What a rule is asked: how many rows, how many of them Byzantine, which, and in which dtypes."""

import warnings
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cached_property
from itertools import product
from types import MappingProxyType
from typing import Any, TypeAlias

import torch
from hypothesis import strategies as st

from fedprop.aggregators import Aggregator
from fedprop.errors import InvalidConfig, ServerUnknown
from fedprop.properties import Case, cases, oracle_for
from fedprop.properties.attacked import Hit, hits
from fedprop.properties.base import Drawn
from fedprop.properties.definition import Definition, misreadings_of
from fedprop.properties.large import TALL, WIDE, large_cases
from fedprop.properties.strategies import separating
from fedprop.types import Vector
from fedprop.verify.hunting.claim import Few, TooSlow, contained
from fedprop.verify.hunting.patience import time_limit
from fedprop.verify.hunting.randomness import seeded
from fedprop.verify.rules.asked import benign
from fedprop.verify.targets.target import Target

DTYPES = (torch.float32, torch.float64)
"""What rules are asked in, the narrowest first."""

SPAN = 4
"""Unless the user says otherwise, up to so many rows more than a rule needs."""

Reference: TypeAlias = Callable[[int], Aggregator]
"""f -> the built-in rule that a target should equal."""

Strategy: TypeAlias = "st.SearchStrategy[Input] | Few[Input]"
Cases: TypeAlias = Callable[..., st.SearchStrategy[Case] | st.SearchStrategy[Hit]]
Bounds: TypeAlias = Mapping[str, int]

ANY: Bounds = MappingProxyType({})
SMALL: Bounds = MappingProxyType({"extra": 1, "max_dim": 2})
"""The fewest rows allowed or one more, in one or two dimensions: what breaks there is easy to read."""


@dataclass(frozen=True, eq=False)
class Input:
    """One case, which may have to be attacked first, the f that the rule is set to, and what it answered before."""

    f: int
    drawn: Case | Hit
    known: dict[tuple[int, ...], Vector] = field(default_factory=dict)

    @property
    def case(self) -> Case:
        """The rows, after the attack if there is one."""
        return self.drawn.case if isinstance(self.drawn, Hit) else self.drawn


class Inputs:
    """Strategies for one rule.

    Attributes
    ----------
    fs : the numbers of Byzantine rows that leave room for the rule.
    n : the numbers of rows as the user states them; None for what the rule needs and `SPAN` more.
    """

    def __init__(self, target: Target, reference: Reference | None, fs: Sequence[int], n: range | None) -> None:
        self._target, self._reference, self.n = target, reference, n
        self._definitions: dict[int, Definition | None] = {}
        if target.fixed is not None:
            fs = [target.fixed]
        elif not target.takes_f and reference is None:
            fs = [max(fs)]
        fs = _makeable(target, fs)
        self.fs = [f for f in fs if len(self.rows(f)) > 0]
        if not self.fs:
            needs = ", ".join(_needed(self.judge(f), f) for f in fs)
            found = "none" if n is None else f"{n.start}..{n.stop - 1}"
            raise InvalidConfig(f"`n` must allow what {target.label} needs ({needs}); found {found}")

    def judge(self, f: int) -> Aggregator | None:
        """The rule whose word counts: the one that the target should equal, or the target itself."""
        rule = self._target.make(f) if self._reference is None else self._reference(f)
        return rule if isinstance(rule, Aggregator) else None

    def definition(self, f: int) -> Definition | None:
        """The definition of the judge, if it has one; the same for all who ask, since inputs are chosen by it, too."""
        if f not in self._definitions:
            judge = self.judge(f)
            oracle = None if judge is None else oracle_for(judge)
            self._definitions[f] = None if oracle is None else remembering(oracle)
        return self._definitions[f]

    def rows(self, f: int) -> range:
        """The numbers of rows tried with f Byzantine ones."""
        judge = self.judge(f)
        least = _least(judge, f)
        if self.n is None:
            return range(least, least + SPAN + 1)
        return range(max(self.n.start, f + 1, 0 if judge is None else least), self.n.stop)

    @cached_property
    def dtypes(self) -> tuple[torch.dtype, ...]:
        """Those of `DTYPES` in which the rule has an answer to some rows without any trap in them.

        Raises
        ------
        InvalidConfig
            If it asks for what only a server knows.
        """
        found: set[torch.dtype] = set()
        with suppress(TooSlow):
            for f in reversed(self.fs):
                for shape in product((self.rows(f)[0], self.rows(f)[-1]), (2, 1, 3)):
                    found |= {dtype for dtype in DTYPES if dtype not in found and self._answers(f, shape, dtype)}
                    if len(found) == len(DTYPES):
                        return DTYPES
            return tuple(dtype for dtype in DTYPES if dtype in found)
        return DTYPES  # that it takes too long is a claim's business

    @cached_property
    def owed(self) -> tuple[torch.dtype, ...]:
        """Those in which a rule that answers in one dtype must answer as well: an `Aggregator` promises all of them."""
        promised = DTYPES if isinstance(self._target.make(self.fs[-1]), Aggregator) else self.dtypes
        return tuple(dtype for dtype in promised if dtype not in self.dtypes) if self.dtypes else ()

    def _answers(self, f: int, shape: tuple[int, int], dtype: torch.dtype) -> bool:
        rule, rows = self._target.make(f), benign(torch.zeros(shape, dtype=dtype))
        try:
            with seeded(0), time_limit(), warnings.catch_warnings(action="ignore"), contained():
                rule(rows)
        except ServerUnknown as error:
            raise InvalidConfig(
                f"{self._target.label} reads what only a server can tell, and does not name it in `asks`: {error}"
            ) from None
        except Exception:
            return False
        return True

    def stated(self, f: int) -> bool:
        """Whether anybody says how many rows are enough, so that they must not be refused."""
        return self.n is not None or self.judge(f) is not None

    @cached_property
    def plain(self) -> tuple[Strategy, ...]:
        """Small inputs, then any, then large ones."""
        return (self._each(cases, self._few, SMALL), self._any, *self._large)

    @cached_property
    def attacked(self) -> tuple[Strategy, ...]:
        """Inputs, then some that real attacks have hit."""
        return (*self.plain, self._each(hits, self.fs, ANY))

    @cached_property
    def telling(self) -> tuple[Strategy, ...]:
        """Inputs on which known misreadings of the definition go wrong, among any others."""
        small, anywhere = self._separating(self._few, SMALL), self._separating(self.fs, ANY)
        return (small, self._any, anywhere, *self._large)

    def of(self, drawn: Drawn) -> tuple[Strategy, ...]:
        """Inputs for a property that says what rows it is best tried on."""
        made = {
            Drawn.PLAIN: lambda: self.plain,
            Drawn.ATTACKED: lambda: self.attacked,
            Drawn.TELLING: lambda: self.telling,
        }
        return made[drawn]()

    @cached_property
    def _any(self) -> st.SearchStrategy[Input]:
        return self._each(cases, self.fs, ANY)

    @cached_property
    def _large(self) -> tuple[Few[Input], ...]:
        """Many rows of few columns, and many columns of few rows, a few of each size."""
        tall = (self._of_size(rows, (1, 3)) for rows in TALL)
        wide = (self._of_size(None, columns) for columns in WIDE)
        return tuple(Few(drawn, one_in=50, least=2) for drawn in (*tall, *wide) if drawn is not None)

    def _of_size(self, rows: tuple[int, int] | None, columns: tuple[int, int]) -> st.SearchStrategy[Input] | None:
        """Large inputs for each f; the fewest rows and one more unless stated. None if no f allows so many rows."""
        sizes = {f: self._allowed(f, rows) for f in self.fs}
        drawn = [
            self._at(f, large_cases(f=f, rows=size, columns=columns)) for f, size in sizes.items() if size is not None
        ]
        return st.one_of(drawn) if drawn else None

    def _allowed(self, f: int, rows: tuple[int, int] | None) -> tuple[int, int] | None:
        """What of a range of rows a rule with f Byzantine ones takes."""
        least, most = self.rows(f).start, self.rows(f).stop - 1
        if rows is None:
            return least, min(least + 1, most)
        lowest, highest = max(rows[0], least), rows[1] if self.n is None else min(rows[1], most)
        return (lowest, highest) if lowest <= highest else None

    @cached_property
    def too_few(self) -> tuple[st.SearchStrategy[Input], ...]:
        """One row fewer than the judge needs; nothing if a single row is enough."""
        judges = {f: judge for f in self.fs if (judge := self.judge(f)) is not None and judge.min_rows > 1}
        return tuple(_one_short(f, judge.min_rows - 1) for f, judge in judges.items())

    @property
    def _few(self) -> Sequence[int]:
        """The fewest Byzantine rows that are any, so that small inputs are small: a rule's least n grows with f."""
        return [min((f for f in self.fs if f), default=0)]

    def _each(self, make: Cases, fs: Sequence[int], bounds: Bounds) -> st.SearchStrategy[Input]:
        return st.one_of([self._at(f, self._drawn(f, make, bounds)) for f in fs])

    def _separating(self, fs: Sequence[int], bounds: Bounds) -> st.SearchStrategy[Input]:
        def at(f: int) -> st.SearchStrategy[Input]:
            drawn, judge, oracle = self._drawn(f, cases, bounds), self.judge(f), self.definition(f)
            if judge is None or oracle is None:
                return self._at(f, drawn)
            misread = [separating(drawn, (oracle, wrong)) for wrong in misreadings_of(judge).values()]
            return self._at(f, st.one_of(misread or [drawn]))

        return st.one_of([at(f) for f in fs])

    def _at(self, f: int, drawn: st.SearchStrategy[Case] | st.SearchStrategy[Hit]) -> st.SearchStrategy[Input]:
        return drawn.map(lambda case: Input(f, case))

    def _drawn(self, f: int, make: Cases, bounds: Bounds) -> st.SearchStrategy[Any]:
        rows = self.rows(f)
        room = len(rows) - 1
        return make(f=f, min_rows=rows.start, **{**bounds, "extra": min(room, bounds.get("extra", room))})


def remembering(definition: Definition) -> Definition:
    """The definition, which is not worked out again for the rows that it was asked about last."""
    last: tuple[list[list[float]], list[float]] | None = None

    def answer(rows: list[list[float]]) -> list[float]:
        nonlocal last
        if last is None or last[0] != rows:
            last = [list(row) for row in rows], definition(rows)
        return last[1]

    return answer


def _makeable(target: Target, fs: Sequence[int]) -> Sequence[int]:
    """The numbers that the rule can be set to; it may want some Byzantine row, or not too many.

    Raises
    ------
    InvalidConfig
        If there is none, as the last attempt did.
    """
    made = []
    for f in fs:
        try:
            target.make(f)
            made.append(f)
        except InvalidConfig:
            if f == fs[-1] and not made:
                raise
    return made


def _least(judge: Aggregator | None, f: int) -> int:
    """How many rows the judge needs; without one, enough for every published rule.

    Fewer than 2f + 1 are tried of a judge that claims to tolerate f of them, and of no other: nothing withstands half
    of its rows, and a rule that promises nothing there may take so few.
    """
    if judge is None:
        return 4 * f + 3
    tolerates, majority = judge.contract().tolerates, 2 * f + 1
    boasts = (n for n in range(max(judge.min_rows, f + 1), majority) if f in tolerates(n))
    return next(boasts, max(judge.min_rows, majority))


def _needed(judge: Aggregator | None, f: int) -> str:
    """`_least`, in words: the rule's own need, and where more are tried, why."""
    least, own = _least(judge, f), 0 if judge is None else judge.min_rows
    if 0 < own < least:
        return f"{own} for f={f}, and {least} for more of them to be honest than not"
    return f"{least} for f={f}"


def _one_short(f: int, n: int) -> st.SearchStrategy[Input]:
    return cases(f=min(f, n - 1), min_rows=n, extra=0).map(lambda case: Input(f, case))
