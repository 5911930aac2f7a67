"""The hunt for counterexamples: Hypothesis generates inputs, and shrinks those that break a claim.

Making an input costs more than trying a claim on it, so claims that share their inputs are tried together; only those
that break are then hunted one by one, for the smallest input. How hard is tried is a number of inputs, so that the same
seed finds the same on a busy machine; time is a limit on top, for who wants one.
"""

import math
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from time import monotonic
from typing import Any
from unittest import SkipTest

from hypothesis import HealthCheck, Phase, given, reject, seed, settings
from hypothesis import strategies as st
from hypothesis.database import ExampleDatabase
from hypothesis.errors import Flaky, Unsatisfiable

from fedprop.verify.claim import RARE, Claim, Few
from fedprop.verify.report import Outcome
from fedprop.verify.trials import NO_ANSWER, NO_TIME, Trials

SHRINKING = 1000
"""Inputs tried in search of the smallest that breaks one claim; 20 to 250 lead to it as a rule."""

CURIOUS = 100
"""As many for a claim that decides nothing."""

TRYING = 0.6
"""The share of a time limit that is spent on trying; the rest is for the smallest inputs."""

SURVEY = (Phase.generate,)
REMEMBER = (Phase.reuse, Phase.shrink)
HUNT = (Phase.reuse, Phase.generate, Phase.shrink)


@dataclass(frozen=True)
class Effort:
    """How hard to try.

    Attributes
    ----------
    examples : inputs for each claim, from each of its strategies.
    seed : what they are drawn from.
    database : remembers inputs that broke a claim and tries them first; None forgets.
    shrink : whether to look for the smallest input that breaks a claim, or keep the first.
    seconds : real time for everything; what is left untried then is counted as such.
    """

    examples: int
    seed: int
    database: ExampleDatabase | None = None
    shrink: bool = True
    seconds: float = math.inf


def hunt_all(
    claims: Sequence[Claim[Any]], effort: Effort, *, target: str = "", say: Callable[[Outcome], None] = lambda _: None
) -> tuple[Outcome, ...]:
    """The outcome of each claim, in order; `say` hears of each as soon as it is known.

    `target` names what is tried, in the database.
    """
    outcomes: dict[int, Outcome] = {}
    start = monotonic()

    def settle(claim: Claim[Any], outcome: Outcome) -> None:
        outcomes[id(claim)] = outcome
        say(outcome)

    to_shrink = []
    for claim, trials in _surveyed(claims, effort, start):
        if effort.shrink and not trials.hung and (trials.broken is not None or _known(claim, effort, target)):
            to_shrink.append((claim, trials))
        else:
            settle(claim, trials.outcome())
    for number, (claim, trials) in enumerate(to_shrink):
        left = start + effort.seconds - monotonic()
        settle(claim, _shrunk(trials, replace(effort, seconds=left / (len(to_shrink) - number)), target))
    return tuple(outcomes[id(claim)] for claim in claims)


def _surveyed(claims: Sequence[Claim[Any]], effort: Effort, start: float) -> Iterable[tuple[Claim[Any], Trials]]:
    """Each claim with what a survey found; of a time limit, each strategy has an equal share of what is left."""
    groups, hung = _sharing_inputs(claims), False
    strategies = sum(len(group[0].inputs) for group in groups)
    end = start + effort.seconds * (TRYING if effort.shrink else 1)
    for together in groups:
        share = (end - monotonic()) / max(strategies, 1)
        strategies -= len(together[0].inputs)
        surveyed = survey(together, effort, share, hung=hung)
        hung = hung or any(trials.hung for trials in surveyed)
        yield from zip(together, surveyed, strict=True)


def _shrunk(trials: Trials, effort: Effort, target: str) -> Outcome:
    """The outcome of a survey, with the smallest input in place of the first one if the claim broke, now or before."""
    hunted = hunt(trials.claim, effort, target=target, first=trials.broken_by)
    if hunted.verdict != "broken":
        return trials.outcome()
    return hunted if trials.broken is None else hunted.model_copy(update={"examples": trials.outcome().examples})


def survey(
    claims: Sequence[Claim[Any]], effort: Effort, seconds: float = math.inf, *, hung: bool = False
) -> list[Trials]:
    """Try claims that share their inputs on the same ones, each strategy for so long; nothing is shrunk.

    A target that has hung once, now or before, is not tried any further: it would take its time again and again.
    """
    everybody = [Trials(claim) for claim in claims]

    def hangs() -> bool:
        return hung or any(trials.hung for trials in everybody)

    def together(value: Any) -> None:
        for trials in everybody:
            if trials.going and not hangs():
                trials.run(value)
        if hangs() or not any(trials.going for trials in everybody):
            raise _Enough

    for inputs in claims[0].inputs:
        for trials in everybody:
            trials.begin(seconds)
        with suppress(Unsatisfiable, _Enough):
            _test(inputs, together, effort, SURVEY)()
        for trials in everybody:
            if hangs():
                trials.stop(_number(inputs, effort), NO_ANSWER)
            elif not trials.in_time:
                trials.stop(_number(inputs, effort), NO_TIME)
    return everybody


def hunt(claim: Claim[Any], effort: Effort, *, target: str = "", first: int = 0) -> Outcome:
    """Try one claim; the outcome holds the smallest input that breaks it, if any does.

    Of the strategies before the `first`, which are known to hold, only what broke the claim before is tried.
    """
    trials, end, tries = Trials(claim), monotonic() + effort.seconds, 0
    most = CURIOUS if claim.status == "tried" else SHRINKING

    def alone(value: Any) -> None:
        nonlocal tries
        tries += trials.broken is not None
        if tries > most or trials.hung or monotonic() > end:
            raise _Enough
        if not trials.run(value):
            reject()
        if trials.broken is not None and trials.broken[0] is value:
            raise _Refuted

    for number, (inputs, shelf) in enumerate(zip(claim.inputs, _shelves(claim, effort, target), strict=True)):
        trials.begin(end - monotonic())
        with suppress(Unsatisfiable, SkipTest, _Refuted, Flaky, _Enough):
            _test(inputs, alone, effort, HUNT if number >= first else REMEMBER, shelf)()
        if trials.broken is not None:
            break
    return trials.outcome()


class _Refuted(AssertionError):
    """Tells Hypothesis that an input breaks the claim."""


class _Enough(BaseException):
    """Ends a search that has had its tries or its time; Hypothesis lets pass what is no `Exception`."""


class _Shelf(ExampleDatabase):
    """One strategy's part of a database that all claims share."""

    def __init__(self, inner: ExampleDatabase, name: str) -> None:
        super().__init__()
        self._inner, self._name = inner, name.encode()

    @property
    def used(self) -> bool:
        """Whether anything was ever put here."""
        return any(True for _ in self._inner.fetch(self._name))

    def save(self, key: bytes, value: bytes) -> None:
        self._inner.save(self._name, b"used")
        self._inner.save(self._name + key, value)

    def fetch(self, key: bytes) -> Iterable[bytes]:
        return self._inner.fetch(self._name + key)

    def delete(self, key: bytes, value: bytes) -> None:
        self._inner.delete(self._name + key, value)


def _known(claim: Claim[Any], effort: Effort, target: str) -> bool:
    """Whether anything is remembered that broke the claim."""
    return any(shelf is not None and shelf.used for shelf in _shelves(claim, effort, target))


def _shelves(claim: Claim[Any], effort: Effort, target: str) -> list[_Shelf | None]:
    """Where each strategy of a claim keeps what broke it."""
    names = [f"{target}/{claim.name}/{number}/" for number in range(len(claim.inputs))]
    return [None if effort.database is None else _Shelf(effort.database, name) for name in names]


def _sharing_inputs(claims: Sequence[Claim[Any]]) -> list[list[Claim[Any]]]:
    shared: dict[int, list[Claim[Any]]] = {}
    for claim in claims:
        shared.setdefault(id(claim.inputs), []).append(claim)
    return list(shared.values())


def _number(inputs: st.SearchStrategy[Any] | Few[Any], effort: Effort) -> int:
    """How many inputs are drawn from a strategy."""
    return max(1, effort.examples // RARE) if isinstance(inputs, Few) else effort.examples


def _test(
    inputs: st.SearchStrategy[Any] | Few[Any],
    trial: Callable[[Any], Any],
    effort: Effort,
    phases: Sequence[Phase],
    database: ExampleDatabase | None = None,
) -> Callable[[], None]:
    @settings(
        max_examples=_number(inputs, effort),
        database=database,
        phases=phases,
        deadline=None,
        report_multiple_bugs=False,
        print_blob=False,
        suppress_health_check=list(HealthCheck),
    )
    @seed(effort.seed)
    @given(inputs.strategy if isinstance(inputs, Few) else inputs)
    def test(value: Any) -> None:
        trial(value)

    return test
