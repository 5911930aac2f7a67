"""What rules say of themselves, read where they may be anybody's: a mistake in it comes out as one sentence."""

from collections.abc import Callable, Collection, Iterator, Set
from inspect import ismethod
from typing import Any

from fedprop.aggregators.base import Aggregator, RowConsumer
from fedprop.aggregators.contract import Contract
from fedprop.aggregators.postprocessor import Postprocessor
from fedprop.aggregators.rooted import OF_THE_MODEL
from fedprop.aggregators.server_side import EXAMPLES
from fedprop.aggregators.told import TELLABLE
from fedprop.errors import InvalidConfig
from fedprop.failures import blamed
from fedprop.settings.explain import meant, shown

ASKABLE = EXAMPLES | OF_THE_MODEL | TELLABLE
"""All that a rule may ask for beside its rows."""


class Misstated(InvalidConfig):
    """A part of a defense says of itself what cannot be, or fails to say it."""


def check_said(part: object) -> None:
    """Refuse a rule, a stage or a postprocessor that says of itself what cannot be; those in its settings come first.

    Raises
    ------
    Misstated
        With the class, the property, its rule and what was found.
    """
    for each in _within(part):
        asks_said(each, ASKABLE)
        if isinstance(each, RowConsumer):
            said(each, "min_rows", "a number of rows, 0 or more", _counts_rows)
        if isinstance(each, Aggregator):
            _check_tolerance(each, contract_said(each))


def contract_said(rule: Any) -> Contract:
    """What `rule.contract()` returns. Raises `Misstated` if that is no contract, or there is no answer."""
    name = f"`contract()` of {type(rule).__name__} must return a Contract"
    with blamed(f"{name}; found that it fails", raising=Misstated):
        found: object = rule.contract()
    if not isinstance(found, Contract):
        raise Misstated(f"{name}; found {shown(found)}")
    return found


def asks_said(part: object, known: Collection[str]) -> None:
    """Refuse what `part.asks` names beside what is `known`: nobody would ever tell it. Raises `Misstated`."""
    wanted = f"a set of names among {', '.join(sorted(known))}"
    found = said(part, "asks", wanted, lambda found: isinstance(found, Set))
    if unknown := sorted(map(str, found - frozenset(known))):
        told = f"{', '.join(map(repr, unknown))}{meant(unknown[0], known)}"
        raise Misstated(f"`asks` of {type(part).__name__} must be {wanted}; found {told}")


def said(part: object, name: str, wanted: str, fits: Callable[[object], bool]) -> Any:
    """The property of that name. Raises `Misstated` if it is not what is `wanted`, or cannot be read."""
    who = f"`{name}` of {type(part).__name__} must be {wanted}"
    with blamed(f"{who}; found that it fails", raising=Misstated):
        found: object = getattr(part, name)
    if not fits(found):
        told = "a method, which lacks @property" if ismethod(found) else shown(found)
        raise Misstated(f"{who}; found {told}")
    return found


def _counts_rows(found: object) -> bool:
    return isinstance(found, int) and not isinstance(found, bool) and found >= 0


def _check_tolerance(rule: Aggregator, contract: Contract) -> None:
    """Refuse a contract whose `tolerates` does not answer with numbers for the fewest rows that the rule takes."""
    n = max(rule.min_rows, 1)
    name = f"`tolerates` in the contract of {type(rule).__name__} must answer with a range of numbers f for n={n}"
    with blamed(f"{name}; found that it fails", raising=Misstated):
        found: object = contract.tolerates(n)
    if not isinstance(found, Collection) or isinstance(found, str):
        raise Misstated(f"{name}; found {shown(found)}")


def _within(part: object) -> Iterator[RowConsumer | Postprocessor]:
    """All that stands in the settings of a part, and the part."""
    if isinstance(part, RowConsumer | Postprocessor):
        for value in vars(part).values():
            for each in value if isinstance(value, tuple) else (value,):
                yield from _within(each)
        yield part
