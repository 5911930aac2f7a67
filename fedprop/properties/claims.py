"""How a plain function says what it claims."""

from collections.abc import Callable
from typing import Any, TypeVar

from fedprop.aggregators.contract import Contract, region

C = TypeVar("C", bound=Callable[..., Any])

_ATTRIBUTE = "__fedprop_contract__"


def claims(**fields: Any) -> Callable[[C], C]:
    """Declare the contract of a rule that is no `Aggregator`, by the fields of `Contract`.

    >>> @claims(permutation=True, translation=True, lies_in="one of the rows")
    ... def inmost(rows):
    ...     distances = (rows[:, None] - rows).square().sum(dim=2)
    ...     return rows[distances.sum(dim=1).argmin()].clone()

    Raises
    ------
    TypeError
        If `Contract` has no such field.
    InvalidConfig
        If a field is none of what it may be, such as a `lies_in` that names no region.
    """
    if "lies_in" in fields:
        fields["lies_in"] = region(fields["lies_in"])
    contract = Contract(**fields)

    def declare(rule: C) -> C:
        setattr(rule, _ATTRIBUTE, contract)
        return rule

    return declare


def declared(rule: Callable[..., Any]) -> Contract | None:
    """The contract that `claims` attached to a rule; None if it has none."""
    found: Contract | None = getattr(rule, _ATTRIBUTE, None)
    return found
