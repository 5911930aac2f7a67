"""How far the data of attackers may move before the smoothed answer of a finished model can change."""

import math
from typing import Annotated, NamedTuple

import torch
from pydantic import Field, NonNegativeInt, PositiveInt
from torch import Tensor

from fedprop.defenses.crfl.smoothing import Bound, Votes
from fedprop.types import Frozen


class Certificate(Frozen):
    """Against whom a prediction is certified, and how sure that is.

    Whoever changes labels, scales updates, trains otherwise or lies about examples does more than is certified here.

    Attributes
    ----------
    attackers : how many clients' data may change.
    share : the share of an attacker's examples, in every batch, that may change; each in its features alone.
    rounds : in how many rounds they may do so; the paper's attackers poison once.
    copies : how many noised copies of the model vote.
    alpha : the probability with which a certificate may be wrong, for each input by itself.
    bound : how the shares of all copies are bounded.
    seed : of the noise of the copies.
    """

    attackers: PositiveInt = 1
    share: Annotated[float, Field(gt=0.0, le=1.0)] = 1.0
    rounds: PositiveInt = 1
    copies: PositiveInt = 1000
    alpha: Annotated[float, Field(gt=0.0, lt=1.0)] = 0.001
    bound: Bound = "clopper_pearson"
    seed: NonNegativeInt = 0


class Conditions(NamedTuple):
    """What a run of multi-class logistic regression was trained under.

    Attributes
    ----------
    std : the standard deviation of the noise on the weights of copies.
    weight : of one client in the mean.
    rate : the largest learning rate of any round.
    steps : the most steps of plain gradient descent that a client takes in a round.
    length : of the longest input, with a 1 for the bias.
    start : no shorter than any model that a client was sent.
    """

    std: float
    weight: float
    rate: float
    steps: int
    length: float
    start: float

    @property
    def settles(self) -> bool:
        """Whether a step on clean data brings no two models further apart: lr <= 2 / beta, beta = length^2 / 2."""
        return self.rate * self.length**2 <= 4

    @property
    def farthest(self) -> float:
        """How far inputs may move with steps on them still bringing no two models further apart."""
        return math.inf if self.steps == 1 else 2 / math.sqrt(self.rate) - self.length

    @property
    def drift(self) -> float:
        """How far a client's model moves in a round if all its inputs move by 1.

        The gradient (p - y) x' of a linear layer moves by no more than sqrt(2) + ||W|| length / 2 times as far as x:
        ||p - y|| <= sqrt(2), and p moves half as far as the outputs. Each step makes W longer by lr sqrt(2) length.
        """
        lengths = (self.start + step * self.rate * math.sqrt(2) * self.length for step in range(self.steps))
        return math.fsum(self.rate * (math.sqrt(2) + length * self.length / 2) for length in lengths)


def radii(found: Votes, made: Conditions, against: Certificate) -> Tensor:
    """How far, in Euclidean length, each changed example may move without changing an answer: float64 [n].

    That is up to what single precision rounds; 0 where the vote abstains.

    Let the finished models with and without the change be Delta apart. The laws of their copies have a divergence of
    Delta^2 / (2 std^2), and an answer with shares p_A > p_B stays the first one as long as that is below
    -ln(1 - (sqrt(p_A) - sqrt(p_B))^2). Delta is at most rounds attackers weight share drift r, given the same random
    numbers: averaging, clipping to a ball and plain steps on convex losses bring no models further apart, and the noise
    is the same.

    This is Theorem 1 of the paper with three differences. Its bound has a factor 2 more before r, which it gives to
    clipping. It takes sqrt(2 + 2 rho + rho^2) for the Lipschitz constant, which is for inputs of length 1, and rho for
    the length of models that carry noise besides and move as they train. And it makes r longer by what the noise of
    later rounds hides; but that holds for the law of the model over all noise, of which a finished run is one draw.

    Source: Xie, Chen, Chen and Li, ICML 2021, Theorem 1 and Algorithm 2; the bound on Delta is our derivation.
    """
    gap = (found.least.clamp(min=0).sqrt() - found.most.clamp(min=0).sqrt()).square()
    apart = made.std * (-2 * torch.log1p(-gap)).sqrt()
    moved = against.rounds * against.attackers * made.weight * against.share * made.drift
    return torch.where(found.abstains, 0.0, (apart / moved).clamp(max=made.farthest))
