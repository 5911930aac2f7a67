"""How a client trains."""

from collections.abc import Callable, Iterator
from typing import Annotated, Literal, TypeAlias

from pydantic import Field, PositiveInt

from fedprop.privacy.config import Cost, LocalPrivacy
from fedprop.training.lr_schedules import LrSchedules, combined
from fedprop.types import Frozen, NonNegative, Positive, Round

Engine: TypeAlias = Literal["auto", "sequential", "workers", "vectorized", "ray"]


class LocalTraining(Frozen):
    """Stochastic gradient descent on the mean loss of a batch, as the task has it.

    Attributes
    ----------
    optimizer : `sgd`, or `adam` (Kingma & Ba 2015) as `torch.optim.Adam` has it by default. What either remembers from
        one step to the next starts at zero in every task.
    lr : learning rate.
    lr_schedule : the share of it in each round, by name; several multiply. The round is the one in which a task was
        given out, also where an asynchronous server has gone on since. Empty for the same rate in all rounds.
    clip_norm : scale the gradient of a batch down to this norm, over all parameters, where it is larger, as
        `torch.nn.utils.clip_grad_norm_` does before a step: the proximal term counts, weight decay comes after. None
        leaves it. (`privacy.clip_norm` clips the gradient of each example.)
    batch_size : examples in a batch; a client that holds fewer uses all it has.
    steps, epochs : how long one task lasts: a number of steps, or passes over the client's data. Give one of the two;
        with neither, one step, which makes FedAvg the FedSGD of McMahan et al. (2017).
    momentum, weight_decay : as in `torch.optim.SGD`; Adam has a momentum of its own.
    proximal : FedProx's mu (Li et al. 2020, eq. 2): adds mu / 2 * ||w - w_global||^2 to the loss.
    privacy : keep the examples private; None trains without.
    engine : `sequential` trains one client at a time, `workers` one in each of several threads, `vectorized` many in
        one pass over stacked weights; `auto` chooses by model and device; `ray` does so, too, and spreads the clients
        over a Ray cluster (`pip install 'fedprop[ray]'`), with the same results to the bit. The engine changes no
        result beyond rounding, and never the order of events: a model that a trial finds to learn otherwise in a stack
        than alone is not vectorized. The outcome tells which engine it was, and why `auto` could not take a faster one.
    """

    optimizer: Literal["sgd", "adam"] = "sgd"
    lr: Positive = 0.1
    lr_schedule: LrSchedules = ()
    clip_norm: Positive | None = None
    batch_size: PositiveInt = 32
    steps: PositiveInt | None = None
    epochs: PositiveInt | None = None
    momentum: Annotated[float, Field(ge=0.0, lt=1.0)] = 0.0
    weight_decay: NonNegative = 0.0
    proximal: NonNegative = 0.0
    privacy: LocalPrivacy | None = None
    engine: Engine = "auto"

    def _checks(self) -> tuple[Callable[[], Iterator[str]], ...]:
        return self._pull_settles, self._one_momentum, self._one_length, self._one_clipping

    def _pull_settles(self) -> Iterator[str]:
        pull = self.lr * self.proximal
        if pull >= 2.0:
            yield f"`lr` times `proximal` must be below 2, or each step overshoots further; found {pull}"

    def _one_momentum(self) -> Iterator[str]:
        if self.optimizer == "adam" and self.momentum:
            yield f"`momentum` must be 0 with `optimizer` adam; found {self.momentum}"

    def _one_length(self) -> Iterator[str]:
        if self.steps is not None and self.epochs is not None:
            yield f"give `steps` or `epochs`, not both; found steps={self.steps}, epochs={self.epochs}"

    def _one_clipping(self) -> Iterator[str]:
        if self.privacy is not None and self.clip_norm is not None:
            yield f"`clip_norm` must be null with `privacy`, which clips itself; found {self.clip_norm}"

    def rate(self, round: Round) -> float:
        """The learning rate of tasks given out in a round."""
        return self.lr * combined(self.lr_schedule, round)

    def count_steps(self, examples: int) -> int:
        """The number of optimisation steps one task makes on a client with that many examples."""
        if examples == 0:
            return 0
        if self.epochs is not None:
            return self.epochs * -(-examples // self.batch_size)
        return self.steps or 1

    def cost(self, privacy: LocalPrivacy, examples: int) -> Cost:
        """What one task costs the privacy of a client with that many examples."""
        return privacy.cost(examples, self.batch_size, self.count_steps(examples))

    def length(self, steps: int, round: Round = 0) -> float:
        """FedNova's ||a||_1, how far `steps` local steps go (Wang et al. 2020, section 4), in units of plain SGD steps.

        The task was given out in `round`, whose learning rate mu's part depends on.

        `steps` itself for plain SGD; more with momentum rho, (steps - rho (1 - rho^steps) / (1 - rho)) / (1 - rho);
        less with the proximal term, (1 - (1 - lr mu)^steps) / (lr mu). The paper treats one at a time; with both,
        momentum's. It does not treat Adam, whose steps have no length in gradients: they count as they are.
        """
        if self.optimizer == "adam":
            return float(steps)
        rho, pull = self.momentum, self.rate(round) * self.proximal
        if rho:
            return (steps - rho * (1.0 - rho**steps) / (1.0 - rho)) / (1.0 - rho)
        return (1.0 - (1.0 - pull) ** steps) / pull if pull else float(steps)
