"""Aksel: the rows nearest to the coordinate-wise median."""

from typing import ClassVar, Literal

from pydantic import NonNegativeInt
from torch import Tensor

from fedprop.aggregators.cohort import Cohort
from fedprop.aggregators.columns import Rows
from fedprop.aggregators.contract import Contract, Kappa, Region, exactly, minority
from fedprop.aggregators.coordinate import sorted_columns
from fedprop.aggregators.mean_around_median import median_of_lines
from fedprop.aggregators.nearest_rows import NearestRows, SeenFrom
from fedprop.aggregators.order_statistics import any_subset_unattacked, around_kappa, median_kappa


class Aksel(NearestRows):
    """The mean of the rows nearest to the coordinate-wise median: half of them, rounded up, or all but f.

    For an even n the median is the mean of the two middle values. Distances are Euclidean, so rows are kept or dropped
    as a whole; of rows as near, those with the smallest indices are kept. With `f` needs n >= 2f + 1; without it every
    minority is tolerated. Sorting takes O(n log n) for each of d columns, and nothing grows with n squared.

    Attributes
    ----------
    f : None to keep half of the rows; or how many Byzantine rows it is set to tolerate, to keep n - f.

    Source: Boussetta, El Mhamdi, Guerraoui, Maurer and Rouault, "AKSEL: Fast Byzantine SGD", OPODIS 2020; both numbers
    of rows kept as in the authors' library. The contract's coefficients are derived in `specs/test_nearest_rows.py`.

    >>> import torch
    >>> Aksel()(torch.tensor([[0.0, 1.0], [1.0, 0.0], [1.0, 1.0], [9.0, 9.0], [-9.0, 1.0]]))
    tensor([0.6667, 0.6667])
    """

    looks_at: ClassVar[str] = "coordinates and distances from a point"
    cost: ClassVar[str] = "n log n d"

    kind: Literal["aksel"] = "aksel"
    f: NonNegativeInt | None = None

    @classmethod
    def examples(cls) -> tuple["Aksel", ...]:
        return cls(f=0), cls(f=2), cls()

    @property
    def min_rows(self) -> int:
        return 1 if self.f is None else 2 * self.f + 1

    def requirement(self) -> str:
        return "n >= 1" if self.f is None else "n >= 2f + 1"

    def contract(self) -> Contract:
        bound = aksel_half_kappa if self.f is None else lambda n, f: around_kappa(median_kappa(n, f), n, f)
        return Contract(
            permutation=True,
            translation=True,
            scaling=True,
            idempotent=True,
            examples="ignored",
            linear=True,
            lies_in=Region.HULL,
            tolerates=minority if self.f is None else exactly(self.f, self.min_rows),
            kappa=Kappa(bound, "specs/test_nearest_rows.py"),
            unattacked=lambda n: any_subset_unattacked(n, n - self.keep(n)),
            ambiguous=self.tied,
        )

    def seen(self, cohort: Cohort) -> Rows:
        return SeenFrom(cohort.updates, _median)

    def keep(self, n: int) -> int:
        return (n + 1) // 2 if self.f is None else n - self.f


def _median(block: Tensor) -> Tensor:
    """The median of each column of a block in float64."""
    return median_of_lines(sorted_columns(block))[:, 0]


def aksel_half_kappa(n: int, f: int) -> float:
    """(sqrt(c) + sqrt(1 + c))^2, where c is the coefficient of the median."""
    centre = median_kappa(n, f)
    return float((centre**0.5 + (1 + centre) ** 0.5) ** 2)
