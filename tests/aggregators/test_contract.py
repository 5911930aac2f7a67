from copy import copy
from typing import Any

import pytest
import torch

from fedprop.aggregators.contract import Contract, Kappa, Region, exactly, minority, never, no_tolerance
from fedprop.errors import InvalidConfig


def test_ranges_of_tolerated_rows() -> None:
    assert [list(no_tolerance(n)) for n in (0, 1, 5)] == [[], [0], [0]]
    assert [list(minority(n)) for n in (1, 2, 3)] == [[0], [0], [0, 1]]
    assert [list(exactly(2, 7)(n)) for n in (6, 7, 8)] == [[], [2], [2]]


def test_the_default_claims_nothing() -> None:
    contract = Contract()
    assert contract.lies_in is Region.ANYWHERE
    assert contract.kappa is contract.regret is None
    assert not never(torch.zeros(2, 2))
    assert not any((contract.permutation, contract.translation, contract.scaling, contract.orthogonal))


def made(**fields: Any) -> Contract:
    """A contract as a user makes it, whose types nobody checks as they are checked in tests."""
    contract = copy(Contract())
    for name, value in fields.items():
        object.__setattr__(contract, name, value)
    contract.__post_init__()
    return contract


@pytest.mark.parametrize(
    ("field", "value", "told"),
    [
        ("permutation", 1, "`permutation` of a Contract must be True or False; found 1"),
        ("fixed", True, "`fixed` of a Contract must be a whole number, 0 or more; found True"),
        ("examples", "copied", "`examples` of a Contract must be 'copies', 'ignored' or None; found 'copied'"),
        ("lies_in", "the hull", "'the convex hull of the rows', .*; found 'the hull'"),
        ("lies_in", "one of the row", "found 'one of the row'; did you mean one of the rows?"),
        ("tolerates", 2, "`tolerates` of a Contract must be a function from n to a range of numbers f; found 2"),
        ("kappa", 3.0, r"`kappa` of a Contract must be a Kappa\(bound, source\) with .*, or None; found 3.0"),
        ("kappa", Kappa(3.0, "here"), "with a function of n and f as its bound, or None; found Kappa"),  # type: ignore[arg-type]
        ("unattacked", 1.0, "`unattacked` of a Contract must be a function from n to a number, or None; found 1.0"),
        ("regret", 0.0, "`regret` of a Contract must be a function of rows and a vector, or None; found 0.0"),
        ("ambiguous", True, "`ambiguous` of a Contract must be a function from rows to True or False; found True"),
        ("precision", float("nan"), "`precision` of a Contract must be a number, 0 or more; found nan"),
        ("smoothing", -1.0, "`smoothing` of a Contract must be a number, 0 or more; found -1.0"),
    ],
)
def test_a_claim_that_would_never_be_tried_is_refused(field: str, value: Any, told: str) -> None:
    with pytest.raises(InvalidConfig, match=told):
        made(**{field: value})


def test_a_region_may_be_given_by_its_text() -> None:
    assert made(lies_in="the convex hull of the rows").lies_in is Region.HULL
