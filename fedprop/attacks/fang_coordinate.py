"""Fang's attack on rules that work one coordinate at a time: sit just outside the honest range, on the wrong side."""

from typing import Annotated

import torch
from pydantic import Field

from fedprop.attacks.base import Constraint
from fedprop.attacks.constraints import beyond_benign_range, within_deviations
from fedprop.attacks.fang import FangAttack
from fedprop.attacks.rows import directions, mean_and_deviation, sendable
from fedprop.attacks.sampling import uniform
from fedprop.attacks.view import View
from fedprop.types import Updates, Vector


class FangCoordinate(FangAttack):
    """Base of the attacks on trimmed mean and median, which differ in the rule they assume and in nothing else.

    Each parameter is pushed against s, the direction in which it would change without attack, by c numbers beyond the
    honest rows. In models, with w_max and w_min the largest and smallest benign parameter:

    - Full knowledge: s comes from everybody's honest rows (see `direction`). The c numbers are uniform in
      [w_max, b * w_max] if w_max > 0, or [w_max, w_max / b] if not, when pushing up; and in [w_min / b, w_min] if
      w_min > 0, or [b * w_min, w_min] if not, when pushing down. Since only models have a zero to scale away from, the
      width of the interval is taken there and the interval is laid at the benign *update*: both differ by w_Re.
      Under the `deviation` goal a parameter is pushed to the side where the rule's answer moves more; up, if equal.
    - Partial knowledge: mu and sigma are mean and population deviation of the compromised clients' honest rows, and s
      are the signs of mu. The numbers are uniform in [mu + 3 sigma, mu + 4 sigma] when pushing up, in
      [mu - 4 sigma, mu - 3 sigma] when pushing down. A single row has sigma 0 and is sent as it is.
    - The rule is set to tolerate c rows, or (n - 1) // 2 where n rows allow no more. Full knowledge of no benign row
      at all is no better than partial, and handled so.

    Attributes
    ----------
    b : how far the intervals of full knowledge reach, as a factor above 1.

    Source: Fang et al. (2020), sections 3.3 and 3.4, appendix B.
    """

    b: Annotated[float, Field(gt=1.0, allow_inf_nan=False)] = 2.0

    def craft(self, view: View) -> Updates:
        """The updates [c, d] to send.

        Raises
        ------
        InvalidConfig
            If `knowledge` is `full` and the view hides the honest updates.
        """
        own = view.own
        if len(own) == 0:
            return own
        if self.knowledge == "partial" or len(view.others) == 0:
            return sendable(_beyond_estimate(view), own)
        return sendable(self._beyond_extremes(view), own)

    def constraints(self) -> tuple[Constraint, ...]:
        """Within four deviations under partial knowledge, beyond the benign values under full knowledge of any."""
        if self.knowledge == "partial":
            return (within_deviations(4.0, source="Fang et al. (2020), section 3.3, partial knowledge"),)
        return (beyond_benign_range(source="Fang et al. (2020), section 3.3, full knowledge"),)

    def _beyond_extremes(self, view: View) -> Updates:
        """Full knowledge: uniform between the benign extreme and `b` times or a `b`-th of it."""
        push = self._push(view).double()
        extreme = torch.where(push > 0, view.others.amax(dim=0), view.others.amin(dim=0)).double()
        model = extreme + view.origin.double()
        away_from_zero = model * push > 0
        width = model.abs() * torch.where(away_from_zero, self.b - 1, 1 - 1 / self.b)
        return extreme + push * width * uniform(tuple(view.own.shape), extreme, view.generator)

    def _push(self, view: View) -> Vector:
        """Where to move each parameter: 1 up, -1 down."""
        everyone = view.everyone
        f = min(len(view.own), (len(everyone) - 1) // 2)
        if self.goal == "directed":
            return -directions(self.before_attack(view, f))
        before, _ = view.assumed(everyone, f)
        up, down = (self._pushed(view, extreme, f) for extreme in (view.others.amax(dim=0), view.others.amin(dim=0)))
        return torch.where((up - before).abs() >= (down - before).abs(), 1.0, -1.0)

    def _pushed(self, view: View, extreme: Vector, f: int) -> Vector:
        """The rule's answer when all compromised clients send `extreme`."""
        crafted = extreme.expand(len(view.own), -1)
        return view.assumed(torch.cat([crafted, view.others]), f)[0]


def _beyond_estimate(view: View) -> Updates:
    """Partial knowledge: three to four deviations from the mean of the own rows."""
    mean, deviation = mean_and_deviation(view.own)
    deviations = 3 + uniform(tuple(view.own.shape), mean, view.generator)
    return mean - directions(mean) * deviations * deviation
