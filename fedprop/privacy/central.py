"""Central differential privacy: the server adds the noise, and so must be trusted with every update as it is."""

from fedprop.aggregators.gaussian_noise import GaussianNoise
from fedprop.aggregators.mean import Mean
from fedprop.aggregators.norm_clipping import NormClipping
from fedprop.aggregators.pipeline import Pipeline
from fedprop.privacy.config import Accountant, Delta
from fedprop.types import Frozen, Positive


class CentralPrivacy(Frozen):
    """The mean of clipped updates with Gaussian noise (McMahan et al. 2018, Algorithm 1, with equal weights).

    Each update is clipped to norm C. Their sum gets noise of standard deviation sigma C and is divided by the number of
    updates wanted, not by that which came (section 2.2 there, the first estimator). What is protected is all that one
    client contributes, from everybody who sees the global model; the server and its channels see the updates
    themselves.

    Frozen weights have nothing to hide: no update holds anything there, so they count for no norm, and they stay as
    they are whatever noise falls on them.

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

    def chain(self, wanted: int) -> Pipeline:
        """The rule that keeps the promise where `wanted` updates are asked for.

        >>> [part.kind for part in CentralPrivacy(clip_norm=2.0, noise_multiplier=1.5).chain(10).parts]
        ['norm_clipping', 'mean', 'gaussian_noise']
        """
        mean = Mean(divisor=wanted)
        noise = GaussianNoise(std=self.sigma * self.clip_norm / wanted)
        return NormClipping(max_norm=self.clip_norm) >> mean >> noise
