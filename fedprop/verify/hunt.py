"""The hunt for counterexamples: Hypothesis generates inputs, and shrinks those that break a claim.

Making an input costs more than trying a claim on it, so claims that share their inputs are tried together; only those
that break are then hunted one by one, for the smallest input.
"""

import math
import warnings
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from time import monotonic
from typing import Any

from hypothesis import HealthCheck, Phase, given, reject, seed, settings
from hypothesis import strategies as st
from hypothesis.database import ExampleDatabase
from hypothesis.errors import Flaky, Unsatisfiable

from fedprop.properties import Finding
from fedprop.verify.claim import Claim, Crashed, Refused, TooSlow, contained, in_words
from fedprop.verify.patience import time_limit
from fedprop.verify.randomness import seeded
from fedprop.verify.report import Counterexample, Outcome, Verdict

SHRINKING = 15.0
"""Seconds of real time for finding the smallest input that breaks one claim."""

NO_ANSWER = "the target did not answer in time to another input"
"""Why inputs are left untried after one that the target did not answer in time."""

SURVEY = (Phase.generate,)
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
    seconds : real time for all claims together; what a slow target leaves untried is counted as such.
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
    hung = False
    groups = _sharing_inputs(claims)
    started, strategies = monotonic(), sum(len(group[0].inputs) for group in groups)
    for together in groups:
        left = started + effort.seconds - monotonic()
        share = max(left, 1.0) / max(strategies, 1)
        strategies -= len(together[0].inputs)
        for claim, trials in zip(together, survey(together, effort, share, hung=hung), strict=True):
            hung = hung or trials.hung
            outcomes[id(claim)] = _shrunk(claim, trials, effort, target)
            say(outcomes[id(claim)])
    return tuple(outcomes[id(claim)] for claim in claims)


def _shrunk(claim: Claim[Any], trials: "Trials", effort: Effort, target: str) -> Outcome:
    """The outcome of a survey, with the smallest input in place of the first one if the claim broke, now or before."""
    known = any(shelf is not None and shelf.used for shelf in _shelves(claim, effort, target))
    if (not trials.broken and not known) or not effort.shrink or trials.hung:
        return trials.outcome()
    hunted = hunt(claim, effort, target=target)
    if not trials.broken or hunted.verdict != "broken":
        return trials.outcome() if trials.broken else hunted
    return hunted.model_copy(update={"examples": trials.outcome().examples})


def survey(
    claims: Sequence[Claim[Any]], effort: Effort, seconds: float = math.inf, *, hung: bool = False
) -> "list[Trials]":
    """Try claims that share their inputs on the same ones, each strategy for so long; nothing is shrunk.

    A target that has hung once, now or before, is not tried any further: it would take its time again and again.
    """
    everybody = [Trials(claim) for claim in claims]
    end = math.inf

    def together(value: Any) -> None:
        for trials in everybody:
            if monotonic() > end:
                trials.untried += 1
            elif hung or any(one.hung for one in everybody):
                trials.unasked += 1
            elif trials.broken is None and not trials.claim.skip:
                trials.run(value)

    for inputs in claims[0].inputs:
        end = monotonic() + seconds
        with suppress(Unsatisfiable):
            _test(inputs, together, effort, SURVEY)()
    return everybody


def hunt(claim: Claim[Any], effort: Effort, *, target: str = "") -> Outcome:
    """Try one claim; the outcome holds the smallest input that breaks it, if any does."""
    trials = Trials(claim)

    end = monotonic() + min(SHRINKING, effort.seconds)

    def alone(value: Any) -> None:
        if trials.broken is not None and (monotonic() > end or trials.hung):
            return
        if not trials.run(value):
            reject()
        if trials.broken is not None and trials.broken[0] is value:
            raise _Refuted

    for inputs, shelf in zip(claim.inputs, _shelves(claim, effort, target), strict=True):
        try:
            _test(inputs, alone, effort, HUNT, shelf)()
        except (_Refuted, Flaky):
            break
        except Unsatisfiable:
            continue
    return trials.outcome()


class Trials:
    """Counts what happened, and keeps the last input that broke the claim: a hunt ends with the smallest."""

    def __init__(self, claim: Claim[Any]) -> None:
        self.claim = claim
        self.broken: tuple[Any, Finding] | None = None
        self._answered = self._refused = self._until_broken = 0
        self._excuse = "no input could be made"
        self.untried = self.unasked = 0
        self.hung = False

    def run(self, value: Any) -> bool:
        """Try the claim on an input; False if the target does not take it."""
        try:
            with seeded(0), time_limit(), warnings.catch_warnings(action="ignore"), contained():
                finding = self.claim.find(value)
        except (Refused, Crashed) as error:
            self._refused += 1
            self._excuse = str(error)
            return False
        except TooSlow as error:
            finding, self.hung = Finding(str(error)), True
        except Exception as error:
            # Such as an answer that is so far from any answer that it cannot even be looked at.
            finding = Finding(in_words(error))
        if self.broken is None:
            self._answered += 1
        if finding is not None:
            self._until_broken = self._until_broken or self._answered
            self.broken = (value, finding)
        return True

    def outcome(self) -> Outcome:
        """What there is to say so far."""
        if self.claim.skip:
            return self._outcome("skipped", why=self.claim.skip)
        if self.broken is not None:
            return self._outcome("broken", examples=self._until_broken, counterexample=self.claim.show(*self.broken))
        if not self._answered:
            if self.claim.owed and self._refused:
                shown = Counterexample(found=f"every input is refused: {self._excuse}", code=f"# {self._excuse}")
                return self._outcome("broken", examples=self._refused, counterexample=shown)
            return self._outcome("skipped", why=NO_ANSWER if self.unasked else self._excuse)
        notes = (
            (self._refused, "refused"),
            (self.untried, "left for want of time"),
            (self.unasked, f"left: {NO_ANSWER}"),
        )
        why = ", ".join(f"{count} inputs {what}" for count, what in notes if count)
        return self._outcome("holds", examples=self._answered, why=why)

    def _outcome(self, verdict: Verdict, **fields: Any) -> Outcome:
        claim = self.claim
        said = {"name": claim.name, "statement": claim.statement, "source": claim.source, "status": claim.status}
        return Outcome(**said, verdict=verdict, **fields)


class _Refuted(AssertionError):
    """Tells Hypothesis that an input breaks the claim."""


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


def _shelves(claim: Claim[Any], effort: Effort, target: str) -> list[_Shelf | None]:
    """Where each strategy of a claim keeps what broke it."""
    names = [f"{target}/{claim.name}/{number}/" for number in range(len(claim.inputs))]
    return [None if effort.database is None else _Shelf(effort.database, name) for name in names]


def _sharing_inputs(claims: Sequence[Claim[Any]]) -> list[list[Claim[Any]]]:
    shared: dict[int, list[Claim[Any]]] = {}
    for claim in claims:
        shared.setdefault(id(claim.inputs), []).append(claim)
    return list(shared.values())


def _test(
    inputs: st.SearchStrategy[Any],
    trial: Callable[[Any], Any],
    effort: Effort,
    phases: Sequence[Phase],
    database: ExampleDatabase | None = None,
) -> Callable[[], None]:
    @settings(
        max_examples=effort.examples,
        database=database,
        phases=phases,
        deadline=None,
        report_multiple_bugs=False,
        print_blob=False,
        suppress_health_check=list(HealthCheck),
    )
    @seed(effort.seed)
    @given(inputs)
    def test(value: Any) -> None:
        trial(value)

    return test
