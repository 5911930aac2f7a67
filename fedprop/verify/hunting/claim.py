"""What `verify` tries: a statement, inputs for it, and the search for a violation on one input."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Generic, TypeVar

from hypothesis import strategies as st

from fedprop.errors import FedpropError
from fedprop.failures import in_words
from fedprop.properties import Finding
from fedprop.types import Updates
from fedprop.verify.pages.findings import Counterexample, Status

T = TypeVar("T")


class Refused(FedpropError):
    """The target does not take inputs of this shape at all."""


class Crashed(FedpropError):
    """The target failed on the values of an input whose shape it takes; `rows` are those values if known."""

    def __init__(self, told: str, rows: Updates | None = None) -> None:
        super().__init__(told)
        self.rows = rows


class TooSlow(BaseException):
    """The target did not answer in time. No Exception, so that no target takes it for an error of its own."""


class EndsPython(Exception):
    """The target raised what is meant to end Python, such as SystemExit."""


@contextmanager
def contained() -> Iterator[None]:
    """Code of a target runs inside: it may fail, and it may be interrupted, but it does not end Python.

    Raises
    ------
    EndsPython
        If it tries to.
    """
    try:
        yield
    except (Exception, KeyboardInterrupt, TooSlow):
        raise
    except BaseException as error:
        raise EndsPython(in_words(error)) from error


class Inapplicable(FedpropError):
    """The claim says nothing about an input."""


@dataclass(frozen=True, eq=False)
class Few(Generic[T]):
    """A strategy of large inputs, which take longer: for every `one_in` of another one is tried, and `least` anyway."""

    strategy: st.SearchStrategy[T]
    one_in: int = 10
    least: int = 1

    def of(self, examples: int) -> int:
        """How many, where so many are tried of another strategy."""
        return max(self.least, examples // self.one_in)


@dataclass(frozen=True)
class Claim(Generic[T]):
    """One claim about one target.

    Attributes
    ----------
    inputs : Hypothesis strategies, tried one after the other; the one with the plainest inputs first.
    find : what is wrong on an input, or None. May raise `Refused`, `Crashed` or `Inapplicable`.
    show : an input and what was found there, for people.
    skip : why the claim cannot be tried here; empty if it can.
    owed : whether a target that takes no input at all breaks the claim.
    """

    name: str
    statement: str
    source: str
    status: Status
    inputs: tuple[st.SearchStrategy[T] | Few[T], ...]
    find: Callable[[T], Finding | None]
    show: Callable[[T, Finding], Counterexample]
    skip: str = ""
    owed: bool = False
