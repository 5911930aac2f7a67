"""What became of one claim on the inputs tried: how many had an answer, which broke it, and the verdict."""

import math
import warnings
from time import monotonic
from typing import Any

from fedprop.failures import in_words
from fedprop.properties import Finding
from fedprop.verify.hunting.claim import Claim, Crashed, Inapplicable, Refused, TooSlow, contained
from fedprop.verify.hunting.patience import until
from fedprop.verify.hunting.randomness import seed_all
from fedprop.verify.hunting.surroundings import kept
from fedprop.verify.pages.findings import Counterexample, Outcome, Verdict

LEAST = 30
"""A claim holds on so many answers, or on half of the inputs drawn if that is fewer; on less it is undecided."""

NO_TIME = "no time for them"
NO_ANSWER = "the target did not answer in time to another input"
"""Why inputs are left untried."""


class Trials:
    """Counts what happened, and keeps the last input that broke the claim: a hunt ends with the smallest.

    Attributes
    ----------
    broken : the last input that broke the claim, and what was found there.
    held : the numbers of the claim's strategies that were tried to the end and did not break it.
    hung : whether the target did not answer to it in time.
    """

    def __init__(self, claim: Claim[Any]) -> None:
        self.claim = claim
        self.broken: tuple[Any, Finding] | None = None
        self.held: set[int] = set()
        self.hung = False
        self._answered = self._refused = self._silent = self._until_broken = 0
        self._untried: dict[str, int] = {}
        self._strategy, self._seen, self._end = 0, 0, math.inf
        self._excuse = ""

    def begin(self, inputs: Any, seconds: float = math.inf) -> None:
        """Go on to another strategy of the claim's, for so long."""
        self._strategy = next(number for number, own in enumerate(self.claim.inputs) if own is inputs)
        self._seen, self._end = 0, monotonic() + seconds

    def end(self, drawn: int, why: str) -> None:
        """Be done with a strategy that was to give so many inputs; `why` it was not tried to the end, if it was not."""
        if not why and self.broken is None:
            self.held.add(self._strategy)
        elif why and drawn > self._seen:
            self._untried[why] = self._untried.get(why, 0) + drawn - self._seen

    @property
    def going(self) -> bool:
        """Whether there is any sense in another input, and time."""
        return not self.claim.skip and self.broken is None and self.in_time

    @property
    def in_time(self) -> bool:
        """Whether there is time for another input."""
        return monotonic() < self._end

    def run(self, value: Any) -> bool:
        """Try the claim on an input; False if the target does not take it, or the claim says nothing about it.

        The global generators are seeded for each input, and left wherever the target leaves them.
        """
        self._seen += 1
        seed_all(0)
        try:
            with kept(), until(self._end), warnings.catch_warnings(action="ignore"), contained():
                finding = self.claim.find(value)
        except Inapplicable as error:
            self._silent += 1
            self._excuse = self._excuse or str(error)
            return False
        except (Refused, Crashed) as error:
            self._refused += 1
            self._excuse = str(error)
            return False
        except TooSlow as error:
            if not self.in_time:
                self._seen -= 1
                return False
            finding, self.hung = Finding(str(error)), True
        except Exception as error:
            # Such as an answer that is so far from any answer that it cannot even be looked at.
            finding = Finding(in_words(error))
        self._count(value, finding)
        return True

    def _count(self, value: Any, finding: Finding | None) -> None:
        if self.broken is None:
            self._answered += 1
        if finding is not None:
            self._until_broken = self._until_broken or self._answered
            self.broken = (value, finding)

    def outcome(self) -> Outcome:
        """What there is to say so far."""
        if self.claim.skip:
            return self._outcome("skipped", why=self.claim.skip)
        if self.broken is not None:
            return self._outcome("broken", examples=self._until_broken, counterexample=self.claim.show(*self.broken))
        if not self._answered:
            return self._unanswered()
        drawn = self._answered + self._refused + sum(self._untried.values())
        enough = self._answered >= min(LEAST, drawn / 2)
        return self._outcome("holds" if enough else "undecided", examples=self._answered, why=self._notes())

    def _unanswered(self) -> Outcome:
        if self.claim.owed and self._refused:
            shown = Counterexample(found=f"every input is refused: {self._excuse}", code=f"# {self._excuse}")
            return self._outcome("broken", examples=self._refused, counterexample=shown)
        if self._refused:
            return self._outcome("unanswered", why=self._excuse)
        if self._untried:
            return self._outcome("undecided", why=self._notes())
        return self._outcome("skipped", why=self._excuse or "no input could be made")

    def _notes(self) -> str:
        notes = {"refused": self._refused, **{f"left: {why}": count for why, count in self._untried.items()}}
        return ", ".join(f"{count} inputs {what}" for what, count in notes.items() if count)

    def _outcome(self, verdict: Verdict, **fields: Any) -> Outcome:
        claim = self.claim
        said = {"name": claim.name, "statement": claim.statement, "source": claim.source, "status": claim.status}
        return Outcome(**said, verdict=verdict, **fields)
