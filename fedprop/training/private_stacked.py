"""Private gradients of many clients at once: one call computes the gradient of every example of every client."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.func import functional_call, grad, vmap

from fedprop.data.base import Examples
from fedprop.privacy.config import LocalPrivacy
from fedprop.privacy.noise import noise_like
from fedprop.tasks import CLASSIFICATION, Task
from fedprop.training.schedule import Members, Pass
from fedprop.training.stacked import CLIPPING_SLACK
from fedprop.training.steering import Stack, column


class StackedPrivateGradients:
    """One task each of k clients: as `fedprop.privacy.per_example.PrivateGradients`, with the clients stacked."""

    def __init__(
        self,
        module: nn.Module,
        pool: Examples,
        privacy: LocalPrivacy,
        *,
        trainable: Sequence[str],
        batches: Sequence[int],
        generators: Sequence[torch.Generator],
        task: Task = CLASSIFICATION,
    ) -> None:
        """`batches` [k] are the expected sizes of the clients' batches; `generators` [k] draw their noise."""
        self._module = module
        self._pool = pool
        self._privacy = privacy
        self._task = task
        self._trainable = trainable
        self._generators = generators
        self._places = torch.arange(len(generators))
        device = pool.x.device
        self._batches = torch.tensor(batches, dtype=torch.float64, device=device)
        self._noise = torch.tensor([privacy.noise(b) for b in batches], dtype=torch.float64, device=device)
        self.clip_norms = torch.full_like(self._batches, privacy.clip_norm)

    def __call__(self, params: Stack, _buffers: Stack, part: Pass) -> tuple[Stack, Tensor]:
        """The private gradients by name of some clients, and zeros for their losses [k], which stay with them.

        A model that can be private has no buffers.
        """
        members = part.members
        sums, balance = self._clipped({name: value[members].detach() for name, value in params.items()}, part)
        scale, batches = self._noise[members] * self.clip_norms[members], self._batches[members]
        generators = [self._generators[i] for i in self._places[members].tolist()]
        gradients = {}
        for name, total in sums.items():
            noise = torch.stack([noise_like(one, generator) for one, generator in zip(total, generators, strict=True)])
            gradients[name] = (total + column(scale, total) * noise) / column(batches, total)
        self._adapt(balance, members, generators)
        return gradients, torch.zeros(len(batches), device=batches.device)

    def _clipped(self, params: Stack, part: Pass) -> tuple[Stack, Tensor]:
        """The sums of the clipped gradients, and by how much more than half of each batch was left unclipped [k]."""
        if part.rows.shape[1] == 0:
            nothing = {name: torch.zeros_like(params[name]) for name in self._trainable}
            return nothing, self.clip_norms.new_zeros(len(part.rows))
        each = self._each(params, part)
        real = torch.ones_like(part.rows, dtype=torch.bool) if part.real is None else part.real
        clip = self.clip_norms[part.members, None]
        norms = torch.stack([g.flatten(2).norm(dim=2) for g in each.values()]).norm(dim=0)
        factors = (clip.to(norms) / (norms + CLIPPING_SLACK)).clamp(max=1.0)
        sums = {name: torch.einsum("kb,kb...->k...", factors, g) for name, g in each.items()}
        return sums, ((norms <= clip) & real).sum(1) - real.sum(1).double() / 2

    def _each(self, params: Stack, part: Pass) -> Stack:
        """The gradients of all examples [k, b, ...] by name, zero for padding."""
        trained = {name: params[name] for name in self._trainable}
        frozen = {name: value for name, value in params.items() if name not in trained}
        x = self._pool.x[part.rows]
        of_examples = vmap(grad(self._loss), in_dims=(None, None, 0, 0))
        each: Stack = vmap(of_examples)(trained, frozen, x, self._pool.y[part.rows])
        if part.real is None:
            return each
        # Not by a factor of zero: the gradient of what is padded with may be infinite.
        return {name: torch.where(column(part.real, g), g, 0.0) for name, g in each.items()}

    def _loss(self, trained: Stack, frozen: Stack, x: Tensor, y: Tensor) -> Tensor:
        """One example's loss."""
        logits = functional_call(self._module, {**trained, **frozen}, (x[None],))
        return self._task.loss(logits, y[None])

    def _adapt(self, balance: Tensor, members: Members, generators: Sequence[torch.Generator]) -> None:
        quantile = self._privacy.quantile
        if quantile is None:
            return
        drawn = torch.stack(
            [noise_like(torch.zeros((), dtype=torch.float32), generator) for generator in generators]
        ).to(balance)
        batches = self._batches[members]
        deviations = [quantile.deviation(self._privacy.sigma, batch) for batch in batches.tolist()]
        self.clip_norms[members] *= quantile.factor(balance + balance.new_tensor(deviations) * drawn, batches)
