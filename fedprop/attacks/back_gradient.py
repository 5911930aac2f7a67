"""Data poisoning: examples that are optimised to make what is learnt from them worse."""

from collections.abc import Sequence
from typing import Annotated, ClassVar, Literal, Self, TypeAlias

import torch
from pydantic import Field, NonNegativeInt, PositiveInt
from torch import Tensor
from torch.nn.functional import normalize

from fedprop.attacks.base import Attack
from fedprop.attacks.sampling import some
from fedprop.attacks.softmax_descent import SoftmaxDescent, biased
from fedprop.errors import InvalidConfig
from fedprop.types import Fraction, Positive

Held: TypeAlias = tuple[Tensor, Tensor]
"""Inputs [n, ...] and labels [n] of one client."""


class BackGradient(Attack):
    """Back-gradient poisoning: some examples get another label, and inputs at which learning them harms most.

    The compromised clients put their examples together. Some are poisoned: each gets another label at random, which it
    keeps, and its input is moved uphill on the loss that a logistic regression has on held-out examples after it was
    trained with the poison. That gradient comes from going through its training backwards (`SoftmaxDescent`). Half of
    the examples that stay as they are are trained on, the other half held out; the poison counts in training as much as
    it will among all clients, if all hold as many examples. Inputs stay in the range of values of those known. Of all
    inputs met the most harmful are kept, so the loss is never less than with wrong labels alone. Compromised clients
    then train and report as honest ones do.

    The logistic regression is the attacker's own: against such a model the attack is exact up to its knowledge, against
    another one it counts on poison that harms both. Token ids cannot be moved and are refused.

    The paper adds points one after the other and reverses descent approximately; here they take the place of the
    clients' own examples, move together, and models are kept, which is exact. Fang et al. know everybody's examples;
    here no honest client's are known.

    Cost, for N examples known of d values and L classes: 8 N d L flops times `steps` times `iterations`, and memory for
    `steps` models. 1,200 images of MNIST, 40 steps and 15 iterations took 4 CPU seconds. Fewer than two examples that
    stay as they are judge nothing: then labels are wrong, and nothing is moved.

    Attributes
    ----------
    poisoned : the share of each client's examples that are replaced, at least one.
    holders : whose examples these are: those of all compromised clients, or of the first of them alone ("uniform" and
        "single worker" of Fang et al.).
    steps, lr : the attacker's training: full-batch steps, and their length times the mean squared length of its inputs.
        Below 4 descent cannot diverge.
    iterations, alpha : how often points are moved, and how far each time, in units of the inputs' mean length.

    Source: Muñoz-González et al., "Towards Poisoning of Deep Learning Algorithms with Back-gradient Optimization",
    AISec 2017, Algorithms 1 and 2 (reconstructed); Fang et al. (2020), section 4.4.
    """

    needs_classes: ClassVar[bool] = True

    kind: Literal["back_gradient"] = "back_gradient"
    poisoned: Annotated[Fraction, Field(gt=0.0)] = 0.2
    holders: Literal["all", "first"] = "all"
    steps: PositiveInt = 30
    lr: Positive = 4.0
    iterations: NonNegativeInt = 10
    alpha: Positive = 0.3

    @classmethod
    def examples(cls) -> tuple[Self, ...]:
        return (cls(steps=5, iterations=2), cls(poisoned=0.5, holders="first", steps=5, iterations=2))

    def poison(self, x: Tensor, y: Tensor, classes: int, generator: torch.Generator) -> Held:
        """What a client that stands alone trains on. Raises as `poison_together` does."""
        return self.poison_together([(x, y)], classes, generator)[0]

    def poison_together(self, held: Sequence[Held], classes: int, generator: torch.Generator) -> list[Held]:
        """The clients' examples, with poison in the place of some.

        Raises
        ------
        InvalidConfig
            If inputs are no fractions, as token ids are not.
        """
        x, y = torch.cat([x for x, _ in held]), torch.cat([y for _, y in held])
        if not x.is_floating_point():
            raise InvalidConfig(f"`data` must have inputs of fractions for BackGradient; found {x.dtype}")
        sizes = [len(labels) for _, labels in held]
        chosen = self._chosen(sizes, generator).to(y.device)
        others = torch.randint(1, classes, (len(chosen),), generator=generator, device=generator.device)
        y[chosen] = (y[chosen] + others.to(y.device)) % classes
        x[chosen] = self._moved(x, y, chosen, classes, generator).reshape(x[chosen].shape).to(x.dtype)
        return list(zip(torch.split(x, sizes), torch.split(y, sizes), strict=True))

    def _chosen(self, sizes: Sequence[int], generator: torch.Generator) -> Tensor:
        """The places, among all clients' examples one after the other, of those that are poisoned."""
        starts = [sum(sizes[:client]) for client in range(len(sizes))]
        holding = 1 if self.holders == "first" else len(sizes)
        places = [
            start + some(size, self.poisoned, generator)
            for start, size in zip(starts[:holding], sizes[:holding], strict=True)
        ]
        return torch.cat(places)

    def _moved(self, x: Tensor, y: Tensor, chosen: Tensor, classes: int, generator: torch.Generator) -> Tensor:
        """The chosen inputs [p, d] where they harm most, of all places that they are moved to."""
        flat = x.flatten(1).to(torch.promote_types(x.dtype, torch.float32))
        clean = torch.ones_like(y, dtype=torch.bool).index_fill(0, chosen, False).nonzero().flatten()
        order = torch.randperm(len(clean), generator=generator, device=generator.device).to(y.device)
        train, held_out = clean[order].tensor_split(2)
        best = points = flat[chosen]
        if len(held_out) == 0:
            return best
        share, lr = self.share * len(chosen) / len(y), self.lr / float(biased(flat).square().sum(dim=1).mean())
        problem = SoftmaxDescent(
            *(flat[train], y[train], flat[held_out], y[held_out], y[chosen], classes, share, self.steps, lr)
        )
        reach, worst = self.alpha * float(flat.norm(dim=1).mean()), -torch.inf
        for _ in range(self.iterations + 1):
            loss, slope = problem.slope(points)
            if not (loss.isfinite() and slope.isfinite().all()):
                break
            if float(loss) > worst:
                best, worst = points, float(loss)
            points = (points + reach * normalize(slope, dim=1)).clamp(flat.min(), flat.max())
        return best
