"""Rows left by an attack are made from what the simulator would show it."""

from typing import Literal

import torch

from fedprop.attacks import Attack
from fedprop.properties.attacked import attack_rows


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
