"""Properties that bound what Byzantine rows can do: where the answer lies, and how far from the honest mean."""

from collections.abc import Sequence
from dataclasses import replace
from itertools import combinations, islice
from math import comb
from typing import Any

import torch
from torch import Tensor

from fedprop.aggregators.base import Aggregator
from fedprop.aggregators.contract import Contract, Region
from fedprop.properties.base import Drawn, Finding, Property, Rule, answer_of, in_short, no_full_form
from fedprop.properties.breakdown import tolerating
from fedprop.properties.case import Case
from fedprop.properties.comparison import difference, tolerance
from fedprop.types import Updates, Vector

MOST_F = 8
"""Maximum numbers f that are all tried on one input, since each takes many sets of rows; of more, five are tried."""

ROUNDED_ONE = 1 + 1e-9
"""Exact constants are attained, and then rounding alone may exceed them."""

SUBSETS = 500
"""At most so many sets of honest rows are tried per number f of Byzantine ones: all, or a random choice."""


def _weights(rule: Rule, case: Case, contract: Contract) -> Finding | None:
    if not isinstance(rule, Aggregator):
        return None
    rows = case.wide
    out, weights, _ = rule.aggregate(rows)
    told, ask = f"weights {weights.tolist()}", "rule.aggregate(rows).weights"
    if difference(weights @ rows, out) > tolerance(contract, rows):
        return Finding(weights @ rows, out, f"from {told}", ask=f"{ask} @ rows", want="rule(rows)")
    if contract.translation and abs(float(weights.sum()) - 1) > 1e-9:
        return Finding(f"{told}, which do not sum to one", ask=ask)
    return None


def _region(rule: Rule, case: Case, contract: Contract) -> Finding | None:
    slack, out = tolerance(contract, case.wide), answer_of(rule, case)
    rows = case.wide.double()
    inside = {
        Region.ROW: lambda: bool((rows == out).all(dim=1).any()),
        Region.HULL: lambda: in_hull(rows, out, slack=slack),
        Region.BOX: lambda: in_box(rows, out, f=0, slack=slack),
        Region.HONEST_BOX: lambda: all(in_box(rows, out, f=f, slack=slack) for f in contract.tolerates(len(rows))),
    }
    if contract.lies_in is Region.ANYWHERE or inside[contract.lies_in]():
        return None
    return Finding(out, how=f"is not in: {contract.lies_in.value}", rows=case.wide)


def in_box(rows: Updates, z: Vector, *, f: int, slack: float = 0.0) -> bool:
    """Whether each coordinate of `z` lies within the honest values, whichever `f` rows are Byzantine.

    That is so exactly if it lies between the (f + 1)-th smallest and the (f + 1)-th largest value.
    """
    ordered = rows.sort(dim=0).values
    return bool(((ordered[f] - slack <= z) & (z <= ordered[len(rows) - f - 1] + slack)).all())


def in_hull(rows: Updates, z: Vector, *, slack: float = 0.0) -> bool:
    """Whether no hyperplane separates `z` [d] by more than `slack` from the convex hull of rows [n, d].

    Gilbert's algorithm: walk from one row towards the hull's point nearest to z; each step either shows a separating
    hyperplane or moves closer. What is still undecided after the last step counts as inside.
    """
    point = rows[0]
    for _ in range(100):
        towards = z - point
        length = float(towards.norm())
        if length <= slack:
            return True
        heights = rows @ (towards / length)
        farthest = int(heights.argmax())
        if float(z @ towards) / length > float(heights[farthest]) + slack:
            return False
        edge = rows[farthest] - point
        point = point + edge * (towards @ edge / (edge @ edge).clamp(min=1e-300)).clamp(0, 1)
    return True


def _tolerates_any(case: Case, contract: Contract) -> bool:
    """Whether any number of Byzantine rows, none included, is tolerated among so many."""
    return bool(contract.tolerates(len(case.rows)))


def _region_applies(case: Case, contract: Contract) -> bool:
    return contract.lies_in is not Region.HONEST_BOX or _tolerates_any(case, contract)


def _few_of(fs: range) -> list[int]:
    """All of a few numbers; of many the ends and the middle, so that large inputs do not take all the time there is."""
    return list(fs) if len(fs) <= MOST_F else [*fs[:2], fs[len(fs) // 2], *fs[-2:]]


def _kappa(rule: Rule, case: Case, contract: Contract) -> Finding | None:
    if contract.kappa is None:
        return None
    rows, out = case.wide.double(), answer_of(rule, case)
    slack = tolerance(contract, case.wide) * rows.shape[1] ** 0.5
    for f in _few_of(contract.tolerates(len(rows))):
        kappa = contract.kappa.bound(len(rows), f)
        sets = honest_sets(len(rows), f, case.seed)
        errors, spreads = errors_and_spreads(rows, out, sets)
        excess = errors - kappa**0.5 * spreads * ROUNDED_ONE
        worst = int(excess.argmax())
        if excess[worst] > slack:
            chosen = sets[worst].nonzero().flatten().tolist()
            return Finding(
                out,
                how=f"lies {float(errors[worst]):.4g} from the mean of rows {in_short(chosen)}, whose spread is "
                f"{float(spreads[worst]):.4g}; kappa = {kappa:.4g} for f={f} ({contract.kappa.source})",
                rows=case.wide,
            )
    return None


def _unattacked(rule: Rule, case: Case, contract: Contract) -> Finding | None:
    if contract.unattacked is None:
        return None
    rows, out = case.wide.double(), answer_of(rule, case)
    share = contract.unattacked(len(rows))
    error, spread = (float(x[0]) for x in errors_and_spreads(rows, out, honest_sets(len(rows), 0)))
    if error <= share**0.5 * spread * ROUNDED_ONE + tolerance(contract, case.wide) * rows.shape[1] ** 0.5:
        return None
    told = f"lies {error:.4g} from the mean of all rows, whose spread is {spread:.4g}"
    return Finding(out, how=f"{told}; {share:.4g} of its square is claimed", rows=case.wide)


def honest_sets(n: int, f: int, seed: int = 0) -> Tensor:
    """Masks [s, n] of sets of n - f rows: all of them, or `SUBSETS` random ones if there are more."""
    if comb(n, f) <= SUBSETS:
        left_out = [list(chosen) for chosen in islice(combinations(range(n), f), SUBSETS)]
    else:
        generator = torch.Generator().manual_seed(seed)
        left_out = [torch.randperm(n, generator=generator)[:f].tolist() for _ in range(SUBSETS)]
    masks = torch.ones(len(left_out), n, dtype=torch.bool)
    for mask, chosen in zip(masks, left_out, strict=True):
        mask[chosen] = False
    return masks


def errors_and_spreads(rows: Updates, z: Vector, sets: Tensor) -> tuple[Tensor, Tensor]:
    """For each set S in masks [s, n]: ||z - mean_S|| and the root of the mean over S of ||x_i - mean_S||^2."""
    shares = sets.double() / sets.sum(dim=1, keepdim=True)
    means = shares @ rows
    squares = (rows[None] - means[:, None]).square().sum(dim=2)
    return (z - means).norm(dim=1), (shares * squares).sum(dim=1).sqrt()


def _no_weights(rule: Rule, contract: Contract, dtypes: Sequence[torch.dtype]) -> str:
    linear = "" if contract.linear else "the rule does not claim to be linear"
    return no_full_form(rule, contract, dtypes) or linear


def _no_constant(claimed: object) -> str:
    return "no constant is claimed" if claimed is None else ""


REGION = Property(
    "region",
    "The answer lies where the contract says.",
    "Yin et al., ICML 2018 (honest range); convexity of weighted means (hull)",
    _region,
    lambda contract: contract.lies_in is not Region.ANYWHERE,
    _region_applies,
    drawn=Drawn.ATTACKED,
)
"""That the answer lies in the region that the contract claims, whichever that is."""


def _lies_in(region: Region, name: str, **more: Any) -> Property:
    """The property of having answers in one region, whatever the contract claims; reports call it by that name."""

    def find(rule: Rule, case: Case, contract: Contract) -> Finding | None:
        return REGION.find(rule, case, replace(contract, lies_in=region))

    def applies(case: Case, contract: Contract) -> bool:
        return REGION.applies(case, replace(contract, lies_in=region))

    return replace(
        REGION,
        name=name,
        statement=f"The answer lies in: {region.value}.",
        find=find,
        claimed=lambda contract: contract.lies_in is region,
        applies=applies,
        **more,
    )


REGIONS = (
    _lies_in(Region.ROW, "a row"),
    _lies_in(Region.HULL, "hull"),
    _lies_in(Region.BOX, "box"),
    _lies_in(Region.HONEST_BOX, "honest box", grant=tolerating),
)
"""For each region a property of its own, so that it can be tried on rules that do not claim it."""

LIMITS = (
    Property(
        "weights",
        "The weights of the full form reproduce the answer, and sum to one if the rule follows a shift.",
        "fedprop.aggregators.GramRule",
        _weights,
        lambda contract: contract.linear,
        drawn=Drawn.ATTACKED,
        untriable=_no_weights,
    ),
    Property(
        "kappa",
        "For every set S of n - f rows the squared error against the mean of S is at most kappa times S's variance.",
        "Allouah et al., AISTATS 2023, Definition 2",
        _kappa,
        lambda contract: contract.kappa is not None,
        _tolerates_any,
        drawn=Drawn.ATTACKED,
        untriable=lambda rule, contract, dtypes: _no_constant(contract.kappa),
    ),
    Property(
        "unattacked",
        "With no Byzantine row the squared error against the mean is at most the claimed share of the variance.",
        "Yang et al., on the tension between robustness and accuracy without attack",
        _unattacked,
        lambda contract: contract.unattacked is not None,
        untriable=lambda rule, contract, dtypes: _no_constant(contract.unattacked),
    ),
)
"""Properties of weights and constants."""

ROBUSTNESS = (REGION, *LIMITS)
"""Properties that limit an attacker."""
