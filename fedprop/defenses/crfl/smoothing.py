"""The smoothed prediction: noised copies of a model vote, and what a count of votes says of the vote of all copies."""

from collections.abc import Callable
from typing import Literal, NamedTuple, TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Generator, Tensor, nn

from fedprop.aggregators.postprocessor import standard_normal
from fedprop.params import ParameterLayout, copy_module
from fedprop.types import Vector

Bound: TypeAlias = Literal["clopper_pearson", "hoeffding"]
"""How shares are bounded: exactly for a binomial count (Clopper and Pearson 1934), or as the paper does."""


class Votes(NamedTuple):
    """What each input [n] is answered by most, and what is known of its share of all copies.

    Attributes
    ----------
    answer : the class with the most votes, int64; of equal ones the first.
    least : no larger than its share of all copies, float64.
    most : no smaller than the share of any other class.
    """

    answer: Tensor
    least: Tensor
    most: Tensor

    @property
    def abstains(self) -> Tensor:
        """Where another class may have as many votes, Booleans [n]."""
        return self.least <= self.most


@torch.no_grad()
def votes(module: nn.Module, parameters: Vector, x: Tensor, *, std: float, copies: int, generator: Generator) -> Tensor:
    """How many of so many copies of a model [d], each with N(0, std^2) on all weights, give each answer: int64 [n, c].

    >>> import torch
    >>> votes(nn.Linear(1, 2), torch.tensor([0.0, 0.0, 1.0, 0.0]), torch.ones(1, 1), std=0.1, copies=9,
    ...       generator=torch.Generator().manual_seed(0))
    tensor([[9, 0]])
    """
    own = copy_module(module).to(x.device).eval()
    layout = ParameterLayout.of(own)
    rows = torch.arange(len(x), device=x.device)
    found = None
    for _ in range(copies):
        layout.load(own, parameters + std * standard_normal(parameters, generator))
        outputs = own(x)
        found = torch.zeros_like(outputs, dtype=torch.int64) if found is None else found
        found[rows, outputs.argmax(dim=1)] += 1
    return torch.empty(len(x), 0, dtype=torch.int64) if found is None else found


def tally(counts: Tensor, *, alpha: float, bound: Bound = "clopper_pearson") -> Votes:
    """What counts of votes [n, c] say, wrong with a probability of at most `alpha` for each input.

    Each class's share is bounded from both sides, each time with a failure of alpha / 2c, so that all bounds hold at
    once, whichever class leads. The paper gives each of its two bounds the whole alpha, and chooses the classes by the
    same counts.
    """
    numbers = counts.cpu().numpy()
    classes = numbers.shape[1]
    lower, upper = (torch.from_numpy(side) for side in _BOUNDS[bound](numbers, alpha / (2 * classes)))
    answer = torch.from_numpy(numbers).argmax(dim=1, keepdim=True)
    least = lower.gather(1, answer)[:, 0]
    others = upper.scatter(1, answer, -torch.inf).amax(dim=1)
    return Votes(answer[:, 0], least, torch.minimum(others, 1 - least))


Sides: TypeAlias = tuple[NDArray[np.float64], NDArray[np.float64]]


def _clopper_pearson(counts: NDArray[np.int64], failure: float) -> Sides:
    from scipy.stats import beta  # which takes a while to import

    against = counts.sum(axis=1, keepdims=True) - counts
    lower = np.where(counts > 0, beta.ppf(failure, np.maximum(counts, 1), against + 1), 0.0)
    upper = np.where(against > 0, beta.ppf(1 - failure, counts + 1, np.maximum(against, 1)), 1.0)
    return lower, upper


def _hoeffding(counts: NDArray[np.int64], failure: float) -> Sides:
    copies = counts.sum(axis=1, keepdims=True)
    apart = np.sqrt(np.log(1 / failure) / (2 * copies))
    return np.maximum(counts / copies - apart, 0.0), np.minimum(counts / copies + apart, 1.0)


_BOUNDS: dict[Bound, Callable[[NDArray[np.int64], float], Sides]] = {
    "clopper_pearson": _clopper_pearson,
    "hoeffding": _hoeffding,
}
