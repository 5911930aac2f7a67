"""Fake clients that pull the global model to another one."""

from typing import Any, Literal, Self, TypeAlias

from fedprop.attacks.base import Attack
from fedprop.attacks.rows import updates_to
from fedprop.attacks.sampling import afresh, normal
from fedprop.attacks.view import View
from fedprop.types import Positive, Updates, Vector

Pulls: TypeAlias = Literal["base", "history"]


class MPAF(Attack):
    """Model poisoning based on fake clients, which hold no data and know nothing but the models that they receive.

    - `base`: all of them send lambda (w' - w_t), for a model w' that is as bad as a random one, chosen once: weights
      drawn from a normal distribution. The global model is pulled to the same place in every round.
    - `history`: all of them send -lambda times the last change of the global model, one of the paper's baselines; zeros
      as long as they have received one model only. The other one is `RandomWeights(of="update", law="normal")`.

    The paper has 10 to 25 % as many fake clients as honest ones.

    Attributes
    ----------
    pulls : which of the two.
    lambda_ : how much the difference is scaled up.
    deviation : that of the weights of w'; 0.1 is about that of freshly initialised layers of a hundred inputs.

    Source: reconstructed from Cao and Gong, "MPAF: Model Poisoning Attacks to Federated Learning based on Fake
    Clients", CVPR Workshops 2022, and the later code of the same group, whose w' is a freshly initialised model.
    """

    kind: Literal["mpaf"] = "mpaf"
    pulls: Pulls = "base"
    lambda_: Positive = 1e6
    deviation: Positive = 0.1

    @classmethod
    def examples(cls) -> tuple[Self, ...]:
        return (cls(), cls(pulls="history", lambda_=10.0))

    @property
    def looks_back(self) -> int:
        return 1 if self.pulls == "history" else 0

    def craft(self, view: View) -> Updates:
        """The updates [c, d] to send, all equal."""
        now = view.origin.double()
        if self.pulls == "base":
            away = self._base(view) - now
        else:
            away = view.past[-1].double() - now if len(view.past) else 0 * now
        return updates_to(now + self.lambda_ * away, view)

    def remember(self, view: View, rows: Updates) -> Any:
        """W', once it is drawn."""
        return self._base(view) if self.pulls == "base" else None

    def _base(self, view: View) -> Vector:
        if view.state is not None:
            return view.state  # type: ignore[no-any-return]
        return self.deviation * normal((len(view.origin),), view.origin, afresh(view.generator))
