"""FL-WBC (Sun et al., NeurIPS 2021): clients shake the weights in which an attack would last."""

from typing import Literal, Self

import torch
from torch import Tensor

from fedprop.defenses.protocol import RoundProtocol
from fedprop.training.steering import Place, Stack, Steering, column
from fedprop.types import Positive


class FlWbc(RoundProtocol):
    """FL-WBC (Sun et al., NeurIPS 2021, "White Blood Cell"): noise where the loss is flat, on the client's side alone.

    What an attack did to the global model lasts where honest training does not move it: in the null space of the
    Hessian, whose diagonal the change of the gradient from one batch to the next tells, up to the step. After each step
    of local training a client draws noise from a Laplace distribution for each weight; where the gradient changed by no
    more than that, |g - g before| <= |noise|, the weight moves by the learning rate times the noise. The server
    takes the mean, or what else a rule makes of it: of this protocol it knows nothing.

    - The first batch of each pass over a client's data has none before it: no change.
    - As in the authors' code the noise is for tensors called weights, not biases: "weight" is in their names.
    - Gradients are those that the optimizer is given: clipped, with FedProx's pull, without weight decay. The learning
      rate is that of the round, whatever the optimizer makes of it.

    An often-copied version has the server do this, to its aggregate, with a fifth of the gradient in place of the one
    before: that is another rule.

    Attributes
    ----------
    scale : s, of the Laplace distribution, in units of the gradient.

    Source: Sun, Li, DiValentin, Hassanzadeh, Chen and Li, "FL-WBC: Enhancing Robustness against Model Poisoning Attacks
    in Federated Learning from a Client Perspective", NeurIPS 2021, Algorithm 1.
    """

    kind: Literal["fl_wbc"] = "fl_wbc"
    scale: Positive = 1e-4

    @classmethod
    def examples(cls) -> tuple[Self, ...]:
        return cls(), cls(scale=0.1)

    def train(self) -> "Shaking":
        return Shaking(self.scale)


class Shaking(Steering):
    """Moves weights whose gradient hardly changed."""

    def __init__(self, scale: float) -> None:
        self._scale = scale

    def push(self, gradients: Stack, place: Place) -> Stack:
        weights = [name for name in gradients if "weight" in name]
        return {name: self._moves(gradients[name], place.before[name], place) for name in weights}

    def _moves(self, gradient: Tensor, before: Tensor, place: Place) -> Tensor:
        # Drawn in every step, also where nobody may move: a client's noise must not depend on who trains along.
        noise = torch.stack([self._noise(gradient[0], generator) for generator in place.generators])
        flat = ((gradient - before).abs() <= noise.abs()) & column(place.repeats, gradient)
        return torch.where(flat, column(place.rates, gradient) * noise, 0.0)

    def _noise(self, like: Tensor, generator: torch.Generator) -> Tensor:
        """Laplace noise, the difference of two exponential variables: drawn on the CPU, the same for every device."""
        one, other = (torch.empty(like.shape, dtype=like.dtype).exponential_(generator=generator) for _ in range(2))
        return self._scale * (one - other).to(like.device)
