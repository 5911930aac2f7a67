"""What `verify` found, as plain data."""

from typing import Any, Literal, TypeAlias

from pydantic import ConfigDict

from fedprop.types import Frozen

Status: TypeAlias = Literal["claimed", "safety", "tried"]
"""Whether a claim was made, is owed by everybody, or was tried out of curiosity. The last decides nothing."""

Verdict: TypeAlias = Literal["holds", "broken", "unanswered", "undecided", "skipped"]
"""Unanswered: no input had an answer. Undecided: too few had one. Skipped: there is nothing to try here."""


class Counterexample(Frozen):
    """The smallest input found that breaks a claim. In JSON, NaN and infinity are texts.

    Attributes
    ----------
    title : what the rows are.
    rows : the input as it was put, [n][d]; empty if it is no matrix.
    byzantine : which rows are Byzantine.
    server : which row is all that the server knows, for a rule that asks it (`Rooted`); None for others.
    f : how many rows the target was set to tolerate; None where that means nothing.
    found : what is wrong, in words.
    expected, actual : the two answers, where there are two.
    code : Python that shows it again.
    """

    model_config = ConfigDict(ser_json_inf_nan="strings")

    title: str = "rows"
    rows: tuple[tuple[float, ...], ...] = ()
    byzantine: tuple[int, ...] = ()
    server: int | None = None
    f: int | None = None
    found: str
    expected: Any = None
    actual: Any = None
    code: str


class Outcome(Frozen):
    """One claim and how it fared; `examples` is how many inputs had an answer, up to the first that broke it."""

    name: str
    statement: str
    source: str
    status: Status
    verdict: Verdict
    examples: int = 0
    counterexample: Counterexample | None = None
    why: str = ""

    @property
    def fails(self) -> bool:
        """Whether this alone makes the target fail: something claimed, or owed, has not been seen to hold."""
        return self.verdict in ("broken", "unanswered", "undecided") and self.status != "tried"


class Peak(Frozen):
    """The worst input found for n rows of which the last f are Byzantine.

    Attributes
    ----------
    kappa : the ratio reached there.
    bound : the proved constant; None where none is claimed.
    start : the attack that the climb began from.
    rows : the input, [n][d].
    """

    n: int
    f: int
    kappa: float
    bound: float | None
    start: str
    rows: tuple[tuple[float, ...], ...]

    @property
    def above(self) -> bool:
        """Whether the constant is refuted."""
        return self.bound is not None and self.kappa > self.bound * (1 + 1e-6)


class Limit(Frozen):
    """How many of `n` rows, far away, carry off the answer of a rule set to `f`; None if n - 1 do not."""

    n: int
    f: int
    rows: int | None


class Report(Frozen):
    """Every outcome for one target.

    Attributes
    ----------
    target : how it was named.
    family : rule, rule with memory, attack, defense or codec.
    against : the built-in rule it was compared with, if any.
    seed, examples : what the inputs were drawn from, and how many for each claim.
    command : the command that does it again.
    notes : how the target was asked, where that is not as most are.
    limits : where the rule breaks down, beyond what it claims to tolerate.
    search : the worst cases that the search reached.
    """

    target: str
    family: str
    against: str | None = None
    seed: int
    examples: int
    command: str
    versions: dict[str, str]
    outcomes: tuple[Outcome, ...]
    notes: tuple[str, ...] = ()
    limits: tuple[Limit, ...] = ()
    search: tuple[Peak, ...] = ()

    @property
    def broken(self) -> bool:
        """Whether a claim made, or one that everybody owes, does not hold or had no answer."""
        fallen = any(outcome.fails and outcome.verdict != "undecided" for outcome in self.outcomes)
        return fallen or any(peak.above for peak in self.search)

    @property
    def fails(self) -> bool:
        """Whether a claim is broken or undecided; the exit status is 1 then."""
        return self.broken or any(outcome.fails for outcome in self.outcomes)
