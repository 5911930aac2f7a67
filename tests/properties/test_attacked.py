"""Rows left by an attack are made from what the simulator would show it."""

from typing import Literal

import torch

from fedprop.attacks import Attack
from fedprop.properties.attacked import attack_rows, attackers


class Watching(Attack):
    kind: Literal["watching"] = "watching"
    knowledge: Literal["partial", "full"] = "partial"

    @property
    def sees(self):
        return self.knowledge

    def craft(self, view):
        seen.append((view.benign, view.origin))
        return -view.own


seen = []


def test_an_attack_sees_what_its_knowledge_grants_and_a_model_that_is_not_zero():
    rows = torch.arange(10.0).reshape(5, 2)
    for knowledge in ("partial", "full"):
        attacked = attack_rows(Watching(knowledge=knowledge), rows, [1, 3], 7)
        assert torch.equal(attacked[[1, 3]], -rows[[1, 3]])
        assert torch.equal(attacked[[0, 2, 4]], rows[[0, 2, 4]])
    (hidden, origin), (shown, _) = seen
    assert hidden is None
    assert torch.equal(shown, rows[[0, 2, 4]])
    assert origin.any()


def test_every_attack_that_works_from_rows_hits_any_number_of_them():
    failed = []
    for attack in attackers():
        for n, f in ((1, 0), (3, 1), (5, 2), (7, 6)):
            rows = 1e3 + torch.randn(n, 2, generator=torch.Generator().manual_seed(n))
            attacked = attack_rows(attack, rows, list(range(n - f, n)), 0)
            if not (torch.equal(attacked[: n - f], rows[: n - f]) and torch.isfinite(attacked).all()):
                failed.append((attack, n, f))
    assert failed == []
    assert {"sign_flip", "fang_krum", "min_max"} <= {attack.kind for attack in attackers()}
    assert not {"targeted", "label_flip"} & {attack.kind for attack in attackers()}
