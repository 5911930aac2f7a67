"""Definition of Portnoy et al.'s cap on what clients claim, in exact numbers."""

from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction

Claims = Sequence[int]


def share_of_largest(claims: Sequence[Fraction], count: int) -> Fraction:
    """What share of the total the `count` largest hold; 0 if there is nothing to hold."""
    whole = sum(claims, Fraction(0))
    return sum(sorted(claims, reverse=True)[:count], Fraction(0)) / whole if whole else Fraction(0)


def cut(claims: Claims, bound: Fraction) -> list[Fraction]:
    """Each claim, or the bound if that is less."""
    return [min(Fraction(claim), bound) for claim in claims]


def capped(
    claims: Claims, alpha: Fraction = Fraction(1, 10), most: Fraction = Fraction(1, 2), *, more: int = 1
) -> list[Fraction]:
    """min(n_k, U) with the largest U for which the floor(alpha K) + 1 largest of these hold at most `most` of them all.

    Between two neighbouring claims the share is a ratio of linear functions of U, so it is enough to try each claim and
    each place where the ratio is `most`.

    Source: Portnoy, Tirosh and Hendler 2020, truncation with alpha and alpha* = `most`.
    """
    ordered, few = sorted(claims, reverse=True), int(alpha * len(claims)) + more
    tried = [Fraction(0), *map(Fraction, claims)]
    for at in range(1, len(claims) + 1):
        slope = most * at - min(at, few)
        if slope:
            tried.append((sum(ordered[at:few], Fraction(0)) - most * sum(ordered[at:])) / slope)
    fine = [u for u in tried if u >= 0 and share_of_largest(cut(claims, u), few) <= most]
    return cut(claims, max(fine))


def _dropped(claims: Claims) -> list[Fraction]:
    bound = max(capped(claims))
    return [Fraction(claim) if claim <= bound else Fraction(0) for claim in claims]


def _to_the_median(claims: Claims) -> list[Fraction]:
    return cut(claims, Fraction(sorted(claims)[len(claims) // 2]))


MISREADINGS: Mapping[str, Callable[[Claims], list[Fraction]]] = {
    "floor(alpha K) clients": lambda claims: capped(claims, more=0),
    "large claims dropped": _dropped,
    "cut to the median": _to_the_median,
    "each at most half of the total": lambda claims: cut(claims, Fraction(sum(claims), 2)),
}
"""Wrong readings."""
