"""Central differential privacy: the server adds the noise, and so must be trusted with every update as it is."""

import torch
from torch import Tensor

from fedprop.aggregators.base import Aggregation
from fedprop.privacy.config import Accountant, Delta
from fedprop.privacy.noise import noise_like
from fedprop.types import Frozen, Positive, Updates


class CentralPrivacy(Frozen):
    """The mean of clipped updates with Gaussian noise (McMahan et al. 2018, Algorithm 1, with equal weights).

    Each update is clipped to norm C. Their sum gets noise of standard deviation sigma C and is divided by the number of
    updates wanted, not by that which came (section 2.2 there, the first estimator). What is protected is all that one
    client contributes, from everybody who sees the global model; the server and its channels see the updates
    themselves.

    Weights that are not trained have nothing to hide: they count for no norm and get no noise.

    Attributes
    ----------
    clip_norm : C, the Euclidean norm to which each update is clipped.
    noise_multiplier : sigma, the standard deviation of the noise in units of C.
    delta : the probability with which the guarantee may fail; choose it well below 1 / clients.
    accountant : how epsilon is computed.
    """

    clip_norm: Positive
    noise_multiplier: Positive
    delta: Delta = 1e-5
    accountant: Accountant = "rdp"

    @property
    def sigma(self) -> float:
        """The noise multiplier."""
        return self.noise_multiplier

    def average(
        self, updates: Updates, wanted: int, generator: torch.Generator, *, trainable: Tensor | None = None
    ) -> Aggregation:
        """The private mean of rows [n, d] where `wanted` were asked for; the noise is drawn on the CPU.

        Coordinates where `trainable` [d] is False take no part, and their mean is zero; with None there are none.
        """
        if trainable is not None and not bool(trainable.all()):
            mean = self.average(updates[:, trainable], wanted, generator)
            return mean._replace(value=torch.zeros_like(updates[0]).masked_scatter(trainable, mean.value))
        lengths = torch.linalg.vector_norm(updates, dim=1, dtype=torch.float64)
        weights = ((self.clip_norm / lengths).clamp(max=1.0) / wanted).to(updates.dtype)
        noise = self.sigma * self.clip_norm / wanted * noise_like(updates[0], generator)
        return Aggregation(weights @ updates + noise, weights)
