"""The property that a minority cannot carry the answer away."""

from dataclasses import replace

import torch

from fedprop.aggregators.contract import Contract, exactly
from fedprop.properties.base import Drawn, Finding, Property, Rule
from fedprop.properties.case import Case

REACHES = (1e6, 1e20)
"""How far, in honest spreads, the Byzantine rows are driven."""

FAR = 1e3
"""An answer so many times as far from the honest mean as any honest row, or as 1, has been carried away."""


def carried_away(rule: Rule, case: Case, reach: float) -> Finding | None:
    """Drive the Byzantine rows of a case out to `reach` honest spreads, in the direction they lie in, and ask."""
    if not case.byzantine:
        return None
    rows = case.wide.double().clone()
    honest = rows[list(case.honest)]
    centre = honest.mean(dim=0)
    spread = float((honest - centre).norm(dim=1).max()) or 1.0
    away = rows[case.byzantine] - centre
    lengths = away.norm(dim=1, keepdim=True)
    rows[case.byzantine] = centre + reach * spread * torch.where(lengths > 0, away / lengths, _diagonal(away))
    asked = rows.to(case.wide.dtype)
    found = rule(asked).double()
    scale = max(1.0, spread, float(honest.abs().max()))
    if float((found - centre).norm()) <= FAR * scale:
        return None
    return Finding(found, centre, f"(the honest mean) with {len(case.byzantine)} rows {reach:g} spreads away", asked)


def _diagonal(like: torch.Tensor) -> torch.Tensor:
    d = like.shape[1]
    return torch.full((d,), d**-0.5, dtype=like.dtype)


def _under_attack(case: Case, contract: Contract) -> bool:
    """Whether there are Byzantine rows, and as many are tolerated."""
    return bool(case.byzantine) and len(case.byzantine) in contract.tolerates(len(case.rows))


def _breakdown(rule: Rule, case: Case, contract: Contract) -> Finding | None:
    found = (carried_away(rule, case, reach) for reach in REACHES)
    return next((finding for finding in found if finding is not None), None)


def tolerating(contract: Contract, f: int) -> Contract:
    """The contract of a rule that tolerates f rows and no other number."""
    return replace(contract, tolerates=exactly(f, f + 1))


BREAKDOWN = Property(
    "breakdown",
    "However far off the f Byzantine rows are, the answer stays near the honest ones.",
    "the finite-sample breakdown point: Donoho and Huber, 1983",
    _breakdown,
    lambda contract: any(f > 0 for n in range(64) for f in contract.tolerates(n)),
    _under_attack,
    drawn=Drawn.ATTACKED,
    grant=tolerating,
)
"""Claimed by every rule that tolerates any Byzantine row at all."""
