"""What every attack is: a frozen value that poisons data, answers for compromised clients, or both."""

from abc import ABC
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Annotated, Any, ClassVar, Literal, TypeAlias

from pydantic import Field, model_validator
from torch import Generator, Tensor

from fedprop.attacks.active_rounds import ALWAYS, ActiveRounds
from fedprop.attacks.reply import Reply
from fedprop.attacks.view import Knowledge, View
from fedprop.errors import InvalidConfig
from fedprop.forms import PLAIN
from fedprop.types import Kind, Positive, Seconds, Updates

Reports: TypeAlias = Literal["honest", "always", "never", "inverted"]
"""How compromised clients answer the yes-or-no questions of what a defense has clients report: always means yes."""


@dataclass(frozen=True)
class Constraint:
    """One limit that an attack sets itself, in a form that `fedprop verify` can try to catch it beyond.

    Attributes
    ----------
    name : a few words.
    statement : the limit in one sentence.
    source : paper and section or equation.
    broken : what is wrong with the crafted rows [c, d] given the view they were crafted from; None if they keep to it.
    """

    name: str
    statement: str
    source: str
    broken: Callable[[View, Updates], str | None]


class Attack(Kind, ABC):
    """Base of all attacks.

    What compromised clients do is settled in steps, and each does as an honest client would unless an attack fills it
    in: `poison` (what they train on), `craft` (the updates they send), `claim` (the number of examples they say these
    come from), `delay` (how long they keep the server waiting) and `report` (what they tell the server beside updates).
    `answer` takes the three in the middle together, and `remember` keeps what the attack wants to know next time.

    Attributes
    ----------
    share : the fraction of all clients it compromises.
    reports : how these answer what the defense has clients report: as an honest client in their place would, or with
        a lie.
    rounds : those in which it is on, for certain or with a probability. Tasks given out in other rounds are answered,
        and reported on, as an honest client would. Data are poisoned once, before the run, so an attack that does so is
        always on.
    speed : by what the speed of its clients' machines is multiplied in the tasks of those rounds: at 4 a client answers
        in a quarter of the time that it would take an honest one in its place, at 0.25 in four times that.

    Raises
    ------
    pydantic.ValidationError
        If an attack that poisons data is to pause.
    """

    share: Annotated[float, Field(ge=0.0, lt=1.0)] = 0.2
    rounds: ActiveRounds = ALWAYS
    reports: Reports = "honest"
    speed: Positive = 1.0
    assumes: ClassVar[str | None] = None
    """The kind of rule the attack is crafted against; None for one that needs no rule."""
    malformed: ClassVar[bool] = False
    """Whether it means to send what no server accepts: rows of another shape or dtype, or with NaN; no examples."""
    needs_classes: ClassVar[bool] = False
    """Whether it changes, or aims at, the class that an example belongs to."""
    trains: ClassVar[bool] = False
    """Whether it works with the compromised clients' own data and machines: `View.workshop`."""

    @property
    def sees(self) -> Knowledge:
        """What `View.benign` holds: None under `partial`, everybody's honest updates under `full`."""
        return "partial"

    @property
    def looks_back(self) -> int:
        """How many of the global models received before the present one `View.past` is to hold."""
        return 0

    @property
    def crafts(self) -> bool:
        """Whether the attack replaces updates."""
        return type(self).craft is not Attack.craft

    @property
    def from_rows(self) -> bool:
        """Whether the updates it sends are made of rows, the model and the assumed rule: no data, no past models."""
        return self.crafts and not self.trains and not self.looks_back and not self.malformed

    @property
    def times_answers(self) -> bool:
        """Whether its clients choose when they answer, or whether."""
        return type(self).delay is not Attack.delay

    @property
    def deviates(self) -> bool:
        """Whether its clients answer otherwise than honest ones would that hold the same data."""
        return self.crafts or type(self).claim is not Attack.claim or type(self).delay is not Attack.delay

    @property
    def only_claims(self) -> bool:
        """Whether it deviates by nothing but false numbers of examples."""
        claims = type(self).claim is not Attack.claim and type(self).answer is Attack.answer
        return claims and self.speed == 1.0 and not (self.crafts or self.times_answers or self.poisons)

    @property
    def poisons(self) -> bool:
        """Whether the attack changes training data."""
        return type(self).poison is not Attack.poison

    @property
    def resizes(self) -> bool:
        """Whether it means to change how many examples its clients hold, when it poisons their data."""
        return False

    @property
    def lies(self) -> bool:
        """Whether it may report what no honest client would."""
        return self.reports != "honest" or type(self).report is not Attack.report

    @model_validator(mode="after")
    def _poison_is_there_for_good(self) -> "Attack":
        if self.poisons and self.rounds != ALWAYS:
            raise InvalidConfig(
                f"`rounds` must be left out for {type(self).__name__}, whose data stay poisoned; found {self.rounds!r}"
            )
        return self

    def report(self, truth: bool) -> bool:
        """What a compromised client answers to a question of a report that an honest one would answer with `truth`."""
        return {"honest": truth, "always": True, "never": False, "inverted": not truth}[self.reports]

    def poison(self, x: Tensor, y: Tensor, classes: int, generator: Generator) -> tuple[Tensor, Tensor]:
        """The data a compromised client trains on, instead of its own examples x [n, ...] with labels y [n]."""
        return x, y

    def poison_member(
        self, member: int, x: Tensor, y: Tensor, classes: int, generator: Generator
    ) -> tuple[Tensor, Tensor]:
        """`poison`, where an attack's clients share the work: `member` numbers them from 0, by their ids."""
        return self.poison(x, y, classes, generator)

    def poison_together(
        self, held: Sequence[tuple[Tensor, Tensor]], classes: int, generator: Generator
    ) -> Sequence[tuple[Tensor, Tensor]]:
        """What all of its clients train on, for an attack in which they put their examples together for it.

        `held` are the examples of each of them, by their ids. Where this is not filled in they poison their data apart,
        by `poison_member`; in a run each then has a stream of random numbers of its own.
        """
        return [self.poison_member(member, x, y, classes, generator) for member, (x, y) in enumerate(held)]

    def aims(self, x: Tensor, y: Tensor, classes: int, generator: Generator) -> tuple[Tensor, Tensor] | None:
        """The inputs that a targeted attack wants misclassified and the labels it wants for them.

        They are chosen once, before the run, from the test set, x [n, ...] with labels y [n]. None for an attack that
        has no such aim.
        """
        return None

    def answer(self, view: View) -> Reply:
        """All that the compromised clients of a view do; the rows are in the form in which the view was given.

        The steps that it takes see and answer tensors in float32 or float64, whatever the view was made of.
        """
        seen = replace(view, form=PLAIN)
        rows = self.craft(seen)
        state = self.remember(seen, rows)
        return Reply(view.form.of(rows), tuple(self.claim(seen)), tuple(self.delay(seen)), state)

    def craft(self, view: View) -> Updates:
        """The updates [c, d] that the compromised clients send instead of `view.own`, in its dtype, on its device."""
        return view.own

    def claim(self, view: View) -> Sequence[int]:
        """How many training examples each of the compromised clients says that its update comes from."""
        return view.examples

    def delay(self, view: View) -> Sequence[Seconds]:
        """Simulated seconds that each of the compromised clients waits before it answers; infinity for no answer."""
        return (0.0,) * len(view.own)

    def remember(self, view: View, rows: Updates) -> Any:
        """What the next view's `state` is to hold, once the rows [c, d] have been crafted: plain data and tensors.

        It is kept over the rounds and in checkpoints. Plain data are None, booleans, numbers, texts, and lists, tuples
        and dictionaries of them.
        """
        return view.state

    def constraints(self) -> tuple[Constraint, ...]:
        """The limits that the crafted rows keep to, as the paper states them; see `fedprop.attacks.constraints`."""
        return ()
