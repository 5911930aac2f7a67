"""Rows as real attacks leave them: the generators that know what a rule's weak side looks like."""

from dataclasses import dataclass
from functools import cache, cached_property, partial

import torch
from hypothesis import strategies as st

from fedprop.aggregators import Mean
from fedprop.aggregators.assumed import AssumedRule
from fedprop.attacks import ATTACKS, Attack, View
from fedprop.properties.case import Case
from fedprop.properties.digits import Digits, made_of_digits
from fedprop.properties.strategies import PLACEMENTS, as_rows, regular
from fedprop.types import Updates


@cache
def attackers() -> tuple[Attack, ...]:
    """The attacks worth trying that can hit any rows, with what they may know; see `Attack.from_rows`."""
    return tuple(attack for attack in ATTACKS.examples() if attack.from_rows)


def attack_rows(attack: Attack, rows: Updates, byzantine: list[int], seed: int) -> Updates:
    """Honest rows [n, d] after `attack`, which sees what it is entitled to, has replaced those of Byzantine clients."""
    honest = [i for i in range(len(rows)) if i not in byzantine]
    generator = torch.Generator().manual_seed(seed)
    origin = torch.randint(-8, 9, rows.shape[1:], generator=generator).to(rows.dtype)
    view = View(
        own=rows[byzantine],
        benign=rows[honest] if attack.sees == "full" else None,
        origin=origin,
        assumed=AssumedRule(attack.assumes, Mean()).knowing(rows[byzantine], origin),
        generator=generator,
    )
    attacked = rows.clone()
    attacked[byzantine] = attack.answer(view).rows
    return attacked


@dataclass(frozen=True, eq=False)
class Hit:
    """Honest rows [n, d] and the attack that is to replace those of the Byzantine clients."""

    attack: Attack
    rows: Updates
    byzantine: tuple[int, ...]
    seed: int

    @cached_property
    def case(self) -> Case:
        """The rows after the attack."""
        rows = attack_rows(self.attack, self.rows, list(self.byzantine), self.seed)
        honest = tuple(i not in self.byzantine for i in range(len(rows)))
        return Case(rows, honest, len(self.byzantine), self.seed)


def hits(*, f: int, min_rows: int = 1, extra: int = 4, max_dim: int = 3) -> st.SearchStrategy[Hit]:
    """Honest rows of which some attack is to replace `f`."""
    fewest = max(min_rows, f + 1)
    return made_of_digits(partial(_hit, f=f, rows=(fewest, fewest + extra), max_dim=max_dim))


def _hit(digits: Digits, *, f: int, rows: tuple[int, int], max_dim: int) -> Hit:
    n, d = digits.between(*rows), digits.between(1, max_dim)
    grid = as_rows(regular(digits.take(rows[1], max_dim)[:n, :d], digits.take(rows[1])[:n]))
    offset, spread = digits.among(PLACEMENTS)
    placed, byzantine = (offset + spread * grid).float(), digits.places(n, f)
    return Hit(digits.among(attackers()), placed, tuple(byzantine), digits.one())
