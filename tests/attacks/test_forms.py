"""Attacks in loops of people's own: views of arrays, lists and live parameters are answered in kind."""

from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from fedprop.aggregators import Mean
from fedprop.aggregators.assumed import AssumedRule
from fedprop.attacks import ATTACKS, Attack, SignFlip, View, lambda_bound
from fedprop.errors import InvalidUpdates
from fedprop.verify.attacks.inputs import Bowls

OWN = torch.randn(2, 3, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
BENIGN = torch.randn(7, 3, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
FORMS: dict[str, Any] = {
    "parameters that live": lambda rows: nn.Parameter(rows) - nn.Parameter(torch.zeros(3, dtype=rows.dtype)),
    "arrays": lambda rows: rows.numpy(),
    "lists of arrays": lambda rows: [row.numpy() for row in rows],
    "lists of tensors": list,
}


def view(own: Any, benign: Any, origin: Any, assumes: str | None = None) -> View:
    assumed = AssumedRule(assumes, Mean())
    return View(own, benign, origin, assumed, torch.Generator().manual_seed(0), Bowls(), received=9)


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.float16])
def test_attacks_answer_in_kind(dtype: torch.dtype) -> None:
    own, benign, origin = OWN.to(dtype), BENIGN.to(dtype), torch.zeros(3, dtype=dtype)
    unlike = []
    for attack in ATTACKS.examples():
        expected = attack.answer(view(own, benign, origin, attack.assumes)).rows
        for name, form in FORMS.items():
            given = form(own)
            found = attack.answer(view(given, form(benign), origin.numpy(), attack.assumes)).rows
            first = given[0] if isinstance(given, list) else given
            in_kind = isinstance(found, np.ndarray if isinstance(first, np.ndarray) else Tensor)
            rows = torch.as_tensor(found)
            if not (in_kind and rows.dtype == dtype and not rows.requires_grad and torch.equal(rows, expected)):
                unlike.append((attack, name))
    assert not unlike


class Doubled(SignFlip):
    """An attack of one's own that builds on another one, written for tensors."""

    def craft(self, view: View) -> Tensor:
        assert isinstance(view.own, Tensor)
        return 2 * super().craft(view)


def test_an_attack_of_ones_own_sees_tensors_and_builds_on_others() -> None:
    found = Doubled().answer(view(OWN.numpy(), None, np.zeros(3))).rows
    assert isinstance(found, np.ndarray)
    assert np.array_equal(found, -2 * OWN.numpy())


def test_who_does_not_craft_is_still_told_apart() -> None:
    class Quiet(Attack):
        kind: str = "quiet"

    assert not Quiet().crafts
    assert Doubled().crafts


def test_what_half_precision_cannot_hold_stays_finite() -> None:
    own = torch.full((1, 2), 60000.0, dtype=torch.float16)
    assert SignFlip(z=4.0).answer(view(own, None, torch.zeros(2))).rows.tolist() == [[-65504.0] * 2]


@pytest.mark.parametrize("name", ["own", "benign", "origin"])
def test_what_cannot_be_taken_is_refused_by_name(name: str) -> None:
    parts: dict[str, Any] = {"own": OWN, "benign": BENIGN, "origin": torch.zeros(3)}
    parts[name] = parts[name].long()
    with pytest.raises(InvalidUpdates, match=rf"`{name}` must be floats .* for a View; found torch.int64"):
        view(**parts)


def test_the_bound_on_lambda_takes_arrays() -> None:
    assert lambda_bound(BENIGN.numpy(), c=2) == lambda_bound(nn.Parameter(BENIGN), c=2) == lambda_bound(BENIGN, c=2)
