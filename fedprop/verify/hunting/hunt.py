"""The hunt for counterexamples: Hypothesis generates inputs, and shrinks those that break a claim.

Making an input costs more than trying a claim on it, so claims that share their inputs are tried together; only those
that break are then hunted one by one, for the smallest input. How hard is tried is a number of inputs, so that the same
seed finds the same on a busy machine; time is a limit on top, for who wants one.
"""

import math
from collections.abc import Callable, Container, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from time import monotonic
from typing import Any, TypeAlias
from unittest import SkipTest

from hypothesis import HealthCheck, Phase, given, reject, seed, settings
from hypothesis import strategies as st
from hypothesis.database import ExampleDatabase
from hypothesis.errors import Flaky, Unsatisfiable

from fedprop.verify.hunting.claim import Claim, Few
from fedprop.verify.hunting.randomness import seeded
from fedprop.verify.hunting.trials import NO_ANSWER, NO_TIME, Trials
from fedprop.verify.pages.findings import Outcome

Inputs: TypeAlias = st.SearchStrategy[Any] | Few[Any]

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

    `target` names what is tried, in the database. The global generators are afterwards as they were.
    """
    with seeded(0):
        return _hunted_all(claims, effort, target, say)


def _hunted_all(
    claims: Sequence[Claim[Any]], effort: Effort, target: str, say: Callable[[Outcome], None]
) -> tuple[Outcome, ...]:
    outcomes: dict[int, Outcome] = {}
    start = monotonic()

    def settle(claim: Claim[Any], outcome: Outcome) -> None:
        outcomes[id(claim)] = outcome
        say(outcome)

    to_shrink = []
    for trials in _surveyed(claims, effort, start):
        known = trials.broken is not None or _known(trials.claim, effort, target)
        if effort.shrink and not trials.hung and known:
            to_shrink.append(trials)
        else:
            settle(trials.claim, trials.outcome())
    for number, trials in enumerate(to_shrink):
        left = start + effort.seconds - monotonic()
        settle(trials.claim, _shrunk(trials, replace(effort, seconds=left / (len(to_shrink) - number)), target))
    return tuple(outcomes[id(claim)] for claim in claims)


def _surveyed(claims: Sequence[Claim[Any]], effort: Effort, start: float) -> Iterable[Trials]:
    """What a survey finds, as soon as it is known; each strategy has an equal share of the time that is left."""
    everybody, hung = [Trials(claim) for claim in claims], False
    strategies = _in_order(claims)
    end = start + effort.seconds * (TRYING if effort.shrink else 1)
    for number, inputs in enumerate(strategies):
        together = [trials for trials in everybody if any(own is inputs for own in trials.claim.inputs)]
        share = (end - monotonic()) / (len(strategies) - number)
        _survey(inputs, together, effort, share, hung=hung)
        hung = hung or any(trials.hung for trials in together)
        left = {id(other) for other in strategies[number + 1 :]}
        done = [t for t in together if t.broken is not None or not any(id(own) in left for own in t.claim.inputs)]
        everybody = [trials for trials in everybody if trials not in done]
        yield from done
    yield from everybody


def _in_order(claims: Sequence[Claim[Any]]) -> list[Inputs]:
    """Every strategy of any claim once, those that all try late behind those that some try first."""
    last: dict[int, tuple[int, Inputs]] = {}
    for claim in claims:
        for number, inputs in enumerate(claim.inputs):
            last[id(inputs)] = max(number, last.get(id(inputs), (0, inputs))[0]), inputs
    return [inputs for _, inputs in sorted(last.values(), key=lambda placed: placed[0])]


def _shrunk(trials: Trials, effort: Effort, target: str) -> Outcome:
    """The outcome of a survey, with the smallest input in place of the first one if the claim broke, now or before."""
    hunted = hunt(trials.claim, effort, target=target, held=trials.held)
    if hunted.verdict != "broken":
        return trials.outcome()
    return hunted if trials.broken is None else hunted.model_copy(update={"examples": trials.outcome().examples})


def _survey(inputs: Inputs, together: Sequence[Trials], effort: Effort, seconds: float, *, hung: bool) -> None:
    """Try claims on the same inputs, for so long; nothing is shrunk.

    A target that has hung once, now or before, is not tried any further: it would take its time again and again.
    """

    def hangs() -> bool:
        return hung or any(trials.hung for trials in together)

    def try_all(value: Any) -> None:
        for trials in together:
            if trials.going and not hangs():
                trials.run(value)
        if hangs() or not any(trials.going for trials in together):
            raise _Enough

    for trials in together:
        trials.begin(inputs, seconds)
    with suppress(Unsatisfiable, _Enough):
        _test(inputs, try_all, effort, SURVEY)()
    for trials in together:
        trials.end(_count(inputs, effort), NO_ANSWER if hangs() else "" if trials.in_time else NO_TIME)


def hunt(claim: Claim[Any], effort: Effort, *, target: str = "", held: Container[int] = ()) -> Outcome:
    """Try one claim; the outcome holds the smallest input that breaks it, if any does.

    It is known to hold on the strategies with the numbers `held`; of those only what broke it before is tried.
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
        trials.begin(inputs, end - monotonic())
        with suppress(Unsatisfiable, SkipTest, _Refuted, Flaky, _Enough), seeded(0):
            _test(inputs, alone, effort, REMEMBER if number in held else HUNT, shelf)()
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


def _count(inputs: Inputs, effort: Effort) -> int:
    """How many inputs of a strategy are tried."""
    return inputs.of(effort.examples) if isinstance(inputs, Few) else effort.examples


def _test(
    inputs: Inputs,
    trial: Callable[[Any], Any],
    effort: Effort,
    phases: Sequence[Phase],
    database: ExampleDatabase | None = None,
) -> Callable[[], None]:
    @settings(
        max_examples=_count(inputs, effort),
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
