"""How a client keeps its examples private while it trains."""

from collections.abc import Callable, Iterator
from typing import Annotated, Literal, NamedTuple, TypeAlias

import torch
from pydantic import Field, PositiveInt
from torch import Tensor

from fedprop.errors import InvalidConfig
from fedprop.types import Frozen, Positive

Accountant: TypeAlias = Literal["rdp", "prv"]
"""Rényi differential privacy (Mironov 2017), or numerical composition (Gopi et al. 2021): tighter, and slower."""

Delta: TypeAlias = Annotated[float, Field(gt=0.0, lt=1.0)]


class Cost(NamedTuple):
    """What one task costs: so many Gaussian steps, in each of which an example takes part with probability `rate`."""

    rate: float
    steps: int


class QuantileClipping(Frozen):
    """A clipping norm that follows a quantile of the gradients' norms (Andrew et al. 2021, Algorithm 1).

    After each step C becomes C exp(-rate (b - quantile)), with b the noisy share of norms that were at most C. The
    noise on the count costs no extra privacy: that on the gradients grows as Theorem 1 there says.

    Attributes
    ----------
    quantile : the share of gradients to leave unclipped.
    rate : how fast C moves.
    count_noise : standard deviation of the noise on the count, in examples; above half the noise multiplier. None for
        a twentieth of the batch, or the noise multiplier if that is more.
    """

    quantile: Annotated[float, Field(ge=0.0, le=1.0)] = 0.5
    rate: Positive = 0.2
    count_noise: Positive | None = None

    def deviation(self, sigma: float, batch: float) -> float:
        """The noise on the count, for this noise multiplier and batches of so many examples on average."""
        return max(batch / 20, sigma) if self.count_noise is None else self.count_noise

    def factor(self, balance: Tensor, batch: Tensor | float) -> Tensor:
        """What C is multiplied by after a step.

        `balance` is half the difference between how many gradients were at most C long and how many were longer, with
        noise. Counted this way an example moves the sum by 1/2, as Theorem 1 needs; and the sum is divided by the
        expected size of the batch, since the true one is private.
        """
        return torch.exp(-self.rate * (0.5 + balance / batch - self.quantile))


class LocalPrivacy(Frozen):
    """Local differential privacy by DP-SGD or DP-Adam (Abadi et al. 2016, Algorithm 1; Guo et al. 2024, section 4.3).

    Each step clips the gradient of every example to norm C, adds Gaussian noise of standard deviation sigma C to their
    sum, and divides by the expected size of the batch. Guo et al. write the clipping (eq. 5) for the gradient of a
    whole batch; it is done per example here, as in the DP-SGD that they build on, since only that bounds what one
    example can do at the noise of their eq. 6.

    What is protected is one example of one client, from everybody who sees the client's updates. How many examples a
    client holds is taken as known.

    Attributes
    ----------
    clip_norm : C, the Euclidean norm to which the gradient of each example is clipped; with `quantile`, where C begins
        in each task.
    noise_multiplier : sigma, the standard deviation of the noise in units of C.
    target_epsilon : in place of `noise_multiplier`, the epsilon that no client shall exceed by the end of the run.
    tasks : for how many tasks of a client `target_epsilon` is planned; None for one in each round, which no client can
        exceed in synchronous rounds. A client that trains more often goes beyond the target, and the run says so.
    delta : the probability with which the guarantee may fail; choose it well below 1 / examples.
    sampling : how a batch comes about. `poisson`: each example takes part with probability batch_size / examples, so
        that a batch may be of any size, even empty. `batches`: the client's shuffled data in equal parts, which costs
        much more epsilon, since no credit is given for the shuffling.
    quantile : adapt C to the gradients; None keeps it.
    accountant : how epsilon is computed.
    clients : who trains privately: the `honest` ones, since attackers control their own training (Guo et al. 2024,
        section 5.5), or `all`.
    """

    clip_norm: Positive = 1.0
    noise_multiplier: Positive | None = None
    target_epsilon: Positive | None = None
    tasks: PositiveInt | None = None
    delta: Delta = 1e-5
    sampling: Literal["poisson", "batches"] = "poisson"
    quantile: QuantileClipping | None = None
    accountant: Accountant = "rdp"
    clients: Literal["honest", "all"] = "honest"

    def _checks(self) -> tuple[Callable[[], Iterator[str]], ...]:
        return self._one_measure, self._tasks_to_plan_for, self._room_for_the_count

    def _one_measure(self) -> Iterator[str]:
        if (self.noise_multiplier is None) == (self.target_epsilon is None):
            found = f"noise_multiplier={self.noise_multiplier}, target_epsilon={self.target_epsilon}"
            yield f"give one of `noise_multiplier` and `target_epsilon`; found {found}"

    def _tasks_to_plan_for(self) -> Iterator[str]:
        if self.tasks is not None and self.target_epsilon is None:
            yield f"`tasks` needs a `target_epsilon` to plan for; found tasks={self.tasks} alone"

    def _room_for_the_count(self) -> Iterator[str]:
        least = (self.noise_multiplier or 0.0) / 2
        if self.quantile is not None and self.quantile.count_noise is not None and self.quantile.count_noise <= least:
            found = f"{self.quantile.count_noise} with noise_multiplier={self.noise_multiplier}"
            yield f"`quantile.count_noise` must exceed half the noise multiplier; found {found}"

    @property
    def sigma(self) -> float:
        """The noise multiplier.

        Raises
        ------
        InvalidConfig
            If only `target_epsilon` is known; `fedprop.experiments.assembly.resolve` works the noise out.
        """
        if self.noise_multiplier is None:
            raise InvalidConfig("`noise_multiplier` must be known before training; found only `target_epsilon`")
        return self.noise_multiplier

    def noise(self, batch: float) -> float:
        """The noise on the gradients' sum, in units of C, for batches of so many examples on average.

        With an adaptive C it is (sigma^-2 - (2 sigma_b)^-2)^(-1/2), so that gradients and count together cost what
        sigma does (Andrew et al. 2021, Theorem 1).
        """
        if self.quantile is None:
            return self.sigma
        count = 2 * self.quantile.deviation(self.sigma, batch)
        return float((self.sigma**-2 - count**-2) ** -0.5)

    def cost(self, examples: int, batch_size: int, steps: int) -> Cost:
        """What a task of so many steps costs a client with that many examples.

        With `batches` an example is in one batch of each pass. Given the other examples, a pass is then one Gaussian
        step in which everybody takes part; two data sets are neighbours there if one has a null, which adds nothing, in
        place of an example (Kairouz et al. 2021, Definition 1.1), and with `poisson` if it lacks the example.
        """
        if self.sampling == "poisson":
            return Cost(expected_batch(examples, batch_size) / max(1, examples), steps)
        batches = -(-examples // batch_size)
        return Cost(1.0, -(-steps // max(1, batches)))


def expected_batch(examples: int, batch_size: int) -> int:
    """How many examples a batch holds on average, and what the sum of the gradients is divided by."""
    return min(batch_size, examples)
