"""Rows as real attacks leave them: the generators that know what a rule's weak side looks like."""

from dataclasses import dataclass
from functools import cache, cached_property

import torch
from hypothesis import strategies as st

from fedprop.aggregators import Mean
from fedprop.aggregators.assumed import AssumedRule
from fedprop.attacks import ATTACKS, Attack, View
from fedprop.properties.case import Case
from fedprop.properties.strategies import PLACED, SEEDS, between, grids, places
from fedprop.types import Updates


@cache
def attackers() -> tuple[Attack, ...]:
    """The attacks worth trying that can hit any rows, with what they may know; see `Attack.from_rows`."""
    return tuple(attack for attack in ATTACKS.examples() if attack.from_rows)


@cache
def _any_attack() -> st.SearchStrategy[Attack]:
    return st.sampled_from(attackers())


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


@st.composite
def hits(draw: st.DrawFn, *, f: int, min_rows: int = 1, extra: int = 4, max_dim: int = 3) -> Hit:
    """Honest rows of which some attack is to replace `f`."""
    fewest = max(min_rows, f + 1)
    n, d = draw(between(fewest, fewest + extra)), draw(between(1, max_dim))
    offset, spread = draw(PLACED)
    rows = offset + spread * torch.tensor(draw(grids(n, d)), dtype=torch.float64)
    byzantine = draw(places(n, f))
    return Hit(draw(_any_attack()), rows.float(), tuple(byzantine), draw(SEEDS))
