"""What a rule claims about itself, in a form that properties can attack."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Literal, NamedTuple, TypeAlias

from fedprop.errors import InvalidConfig
from fedprop.settings.explain import meant, shown
from fedprop.types import Updates, Vector

Regret: TypeAlias = Callable[[Updates, Vector], float]
"""How far a vector [d] is from being the best answer for rows [n, d], without a unit; 0 for a best one."""


class Region(StrEnum):
    """Where a rule's output is certain to lie, whatever the rows are."""

    ROW = "one of the rows"
    HULL = "the convex hull of the rows"
    BOX = "between the smallest and the largest value of each coordinate"
    HONEST_BOX = "between the smallest and the largest honest value of each coordinate"
    ANYWHERE = "anywhere"


def region(found: object) -> Region:
    """The region that is given, by itself or by its text. Raises InvalidConfig if it is none."""
    for known in Region:
        if found == known:
            return known
    names = ", ".join(repr(str(known)) for known in Region)
    told = f"{shown(found)}{meant(found, Region)}"
    raise InvalidConfig(f"`lies_in` of a Contract must be one of {names}; found {told}")


class Kappa(NamedTuple):
    """A robustness coefficient: `bound(n, f)` and where it is proved.

    A rule F is (f, kappa)-robust (Allouah et al., AISTATS 2023, Definition 2) if for every set S of n - f rows
    ||F(x) - mean_S||^2 <= kappa / |S| * sum over S of ||x_i - mean_S||^2.
    """

    bound: Callable[[int, int], float]
    source: str


def no_tolerance(n: int) -> range:
    """For a rule that claims nothing under attack: what it says of its answer holds without a Byzantine row."""
    return range(min(n, 1))


def of_fewer(tolerates: Callable[[int], range], found: Callable[[int], range]) -> Callable[[int], range]:
    """`found` of what a rule `tolerates` behind a stage that leaves fewer rows, if the rule tolerates any at all."""
    return no_tolerance if tolerates is no_tolerance else found


def minority(n: int) -> range:
    """Every f below n / 2."""
    return range((n + 1) // 2)


def exactly(f: int, min_rows: int) -> Callable[[int], range]:
    """The one f that a rule was configured for, once there are rows enough."""
    return lambda n: range(f, f + 1) if n >= min_rows else range(0)


def never(updates: Updates) -> bool:
    """For a rule whose choice never hangs on the order of the rows."""
    return False


def unstated(updates: Updates) -> bool:
    """For a rule that does not say; `fedprop.properties` then looks whether its answer jumps near the rows."""
    return False


def open_behind(
    contract: "Contract", change: Callable[[Updates], Updates] | None, tied: Callable[[Updates], bool] = never
) -> Callable[[Updates], bool]:
    """Where the answer of a rule hangs on the order of the rows once a stage, `change`, is before it.

    That is where the new rows leave it open, or the stage itself is `tied`. It is unstated if the rule did not say, or
    said it by a regret, which is not handed on, or if the change is not a function of the rows alone (None).
    """
    if contract.ambiguous is never and contract.regret is None and tied is never:
        return never
    if change is None or contract.ambiguous is unstated or contract.regret is not None:
        return unstated
    return lambda rows: tied(rows) or contract.ambiguous(change(rows))


def _callable_or_none(found: object) -> bool:
    return found is None or callable(found)


def _kappa_or_none(found: object) -> bool:
    return found is None or (isinstance(found, Kappa) and callable(found.bound))


def _number(found: object) -> bool:
    return isinstance(found, int | float) and not isinstance(found, bool) and found >= 0


_YES_OR_NO = ["permutation", "translation", "scaling", "orthogonal", "idempotent", "separable", "monotone", "linear"]

_FIELDS: dict[str, tuple[str, Callable[[object], bool]]] = {
    **{name: ("True or False", lambda found: isinstance(found, bool)) for name in _YES_OR_NO},
    "fixed": ("a whole number, 0 or more", lambda found: _number(found) and isinstance(found, int)),
    "examples": ("'copies', 'ignored' or None", lambda found: found in ("copies", "ignored", None)),
    "tolerates": ("a function from n to a range of numbers f", callable),
    "kappa": ("a Kappa(bound, source) with a function of n and f as its bound, or None", _kappa_or_none),
    "unattacked": ("a function from n to a number, or None", _callable_or_none),
    "regret": ("a function of rows and a vector, or None", _callable_or_none),
    "ambiguous": ("a function from rows to True or False", callable),
    "precision": ("a number, 0 or more", _number),
    "smoothing": ("a number, 0 or more", _number),
}
"""What each field of a contract must be, as a sentence states it and as it is looked at."""


@dataclass(frozen=True)
class Contract:
    """The claims of one configured rule F; the default claims nothing. A region may be given by its text.

    Attributes
    ----------
    permutation : F does not depend on the order of the rows.
    fixed : how many rows, the first ones, have places of their own, which no order changes; 0 where all are clients'.
    translation : F(x + t) = F(x) + t for every vector t.
    scaling : F(c x) = c F(x) for every c > 0.
    orthogonal : F(x Q) = F(x) Q for every orthogonal Q.
    idempotent : rows that are all equal give that row.
    separable : each coordinate of F(x) depends on that coordinate of the rows alone.
    monotone : one more copy of row r brings the aggregate no farther from r. A minimiser of a sum of distances has it:
        the term added can only fall. So has, in each coordinate, a mean of the middle values.
    examples : what claimed numbers of examples do: "copies", k of them count as k rows; "ignored", nothing. None
        leaves it open, except that equal claims must change nothing.
    linear : the weights of the full form reproduce the aggregate, weights @ rows.
    lies_in : where the aggregate lies.
    tolerates : n -> the numbers f of Byzantine rows for which `lies_in` and `kappa` hold.
    kappa : the robustness coefficient, where one is proved.
    unattacked : n -> the error without attack, where one is proved: the least e such that for all n rows, none of them
        Byzantine, ||F(x) - mean||^2 <= e / n * sum of ||x_i - mean||^2. What robustness costs when nobody attacks.
    regret : for a rule defined as a minimiser. Minimisers need not be unique: two of them count as equal answers.
    ambiguous : True for rows on which equal scores leave the answer to the order of the rows or to rounding; a rule
        with a regret has no need of it.
    precision : relative accuracy of the answer; that of the stopping test for an iterative rule.
    smoothing : absolute accuracy, for a rule that smooths distances by a length of its own.

    Raises
    ------
    InvalidConfig
        If a field is none of what it may be, with what it may be: a claim that says nothing would never be tried.
    """

    permutation: bool = False
    fixed: int = 0
    translation: bool = False
    scaling: bool = False
    orthogonal: bool = False
    idempotent: bool = False
    separable: bool = False
    monotone: bool = False
    examples: Literal["copies", "ignored"] | None = None
    linear: bool = False
    lies_in: Region = Region.ANYWHERE
    tolerates: Callable[[int], range] = no_tolerance
    kappa: Kappa | None = None
    unattacked: Callable[[int], float] | None = None
    regret: Regret | None = None
    ambiguous: Callable[[Updates], bool] = unstated
    precision: float = 1e-9
    smoothing: float = 0.0

    def __post_init__(self) -> None:
        object.__setattr__(self, "lies_in", region(self.lies_in))
        for name, (wanted, fits) in _FIELDS.items():
            if not fits(found := getattr(self, name)):
                raise InvalidConfig(f"`{name}` of a Contract must be {wanted}; found {shown(found)}")

    def keeping(self, *claims: str, **changed: Any) -> "Contract":
        """These claims and no others, but for those that are `changed`; how exact the answer is, is always kept.

        What is not named is given up: a kind of claim that is new survives no stage that was written before it.
        """
        kept = {name: getattr(self, name) for name in (*claims, "precision", "smoothing")}
        return Contract(**{**kept, **changed})

    @property
    def ignoring(self) -> Literal["ignored"] | None:
        """What is left of `examples` where copies of a row are no longer rows like others."""
        return "ignored" if self.examples == "ignored" else None
