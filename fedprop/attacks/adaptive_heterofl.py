"""The adaptive attack on HeteroFL: the honest mean, pushed a little otherwise by each attacker."""

import math
from collections.abc import Callable
from typing import Literal, Self, TypeAlias

import torch
from pydantic import PositiveInt
from torch import Tensor

from fedprop.attacks.min_max import farthest
from fedprop.attacks.pushed_mean import PushedMean
from fedprop.attacks.rows import sendable
from fedprop.attacks.sampling import uniform
from fedprop.attacks.trials import Trials
from fedprop.attacks.view import Knowledge, View
from fedprop.types import Fraction, Positive, Updates, Vector

Search: TypeAlias = Literal["code", "printed"]


class AdaptiveHeteroFL(PushedMean):
    """The adaptive attack of Lu et al. on their own defense, and on whatever else the server runs, which it asks.

    Client i sends g + gamma p_i. g is the mean of all clients' honest rows, the attack's own among them, or of these
    alone under partial knowledge. p_1 is a direction against g as in `PushedMean`, and the other p_i are p_1 with the
    signs of ceil(flips * d) entries turned round, drawn for each client and in each round, so that no step against
    sybils finds copies. gamma is the largest strength found with which the server's defense keeps all crafted rows,
    that is, gives weight to each of them, or to some of them and nobody else. That crafted rows keep the watermark, as
    equation 8 wants it, is one of the things that the defense asks, of examples that it handed to all clients.

    Algorithm 7 is printed with moves by start / 4, start / 8, and so on, so that it ends between start / 2 and
    3 start / 2; the code of Shejwalkar and Houmansadr, which it follows, moves twice as far. What Figure 7 says of the
    start, the trade-off between effect and detection, holds for the printed one, which never sends less than half of
    it, detected or not. Where its loop would not end, since nothing succeeds, this one sends start / 2.

    Under partial knowledge own rows stand in for the honest ones, with fewer crafted ones among them (`Trials`). A rule
    that refuses so few rows cannot be asked; then Min-Max's bound decides, for each crafted row.

    Attributes
    ----------
    knowledge, push : as in `PushedMean`.
    start : gamma_init; the paper tries 0.001 to 0.09 and finds the trade-off with HeteroFL at 0.03.
    threshold : tau. The paper gives no value.
    flips : mu, the share of signs that are turned. Its value is in a supplement that could not be had. In
        `sims/heterofl/adaptive.yaml`, with a start of 10 and five questions, HeteroFL's steps without the watermark
        dropped 99, 94, 78 and 48 % of the crafted rows for 0, 0.01, 0.1 and 0.3, and accuracy was 0.78, 0.79, 0.79 and
        0.88, of 0.88 without an attack: turned signs hide a row, and take the push from the mean of all (two seeds,
        which are up to 0.14 apart).
    asks : how often the defense is asked about a strength, which succeeds if all crafted rows are kept each time. The
        paper asks once. Against a defense that draws at random, as HeteroFL does, one lucky draw decides then, and
        the strength that it leads to is found out in most rounds.
    search : how far from `start` strengths are tried: down to 0 and up to twice the start (`code`), or half as far
        (`printed`).

    Source: Lu, Hu, Wan, Li, Zhang, Xue, Wang and Jin, "Depriving the Survival Space of Adversaries Against Poisoned
    Gradients in Federated Learning" (HeteroFL, 2024), section VI, equation 8 and Algorithm 7; mu, tau and what is sent
    where nothing succeeds are reconstructed. Shejwalkar and Houmansadr, NDSS 2021.
    """

    kind: Literal["adaptive_heterofl"] = "adaptive_heterofl"
    knowledge: Knowledge = "full"
    start: Positive = 0.03
    threshold: Positive = 1e-4
    flips: Fraction = 0.1
    asks: PositiveInt = 1
    search: Search = "code"

    @classmethod
    def examples(cls) -> tuple[Self, ...]:
        return (cls(), cls(knowledge="partial", push="unit", start=4.0, flips=0.4, search="printed"))

    @property
    def reach(self) -> float:
        return self.start if self.search == "code" else self.start / 2

    def known(self, view: View) -> Updates:
        """Everybody's honest rows, or under partial knowledge the attack's own."""
        return view.everyone if self.knowledge == "full" else view.own

    def pushes(self, direction: Vector, view: View) -> Updates:
        """The p_i [c, d]."""
        many = math.ceil(self.flips * len(direction))
        others = (len(view.own) - 1, len(direction))
        turned = uniform(others, direction, view.generator).argsort(dim=1)[:, :many]
        signs = direction.new_ones(others).scatter(1, turned, -1.0)
        return direction * torch.cat([torch.ones_like(direction)[None], signs])

    def allows(self, view: View, rows: Updates) -> Callable[[Tensor], bool]:
        """Whether the server's defense keeps all that is sent."""
        trials = Trials.of(view, self.knowledge)
        if trials.selected(sendable(rows.mean(dim=0), view.own)) is None:
            return farthest(rows)
        return lambda crafted: all(trials.selected(crafted[: trials.copies]) for _ in range(self.asks))
