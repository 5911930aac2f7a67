"""Private gradients of one client, by opacus."""

import warnings
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import torch
from opacus.grad_sample import GradSampleModule
from opacus.grad_sample.embedding import compute_embedding_grad_sample
from opacus.optimizers import DPOptimizer
from torch import Tensor, nn

from fedprop.privacy.config import LocalPrivacy
from fedprop.privacy.noise import noise_like
from fedprop.tasks import CLASSIFICATION, Task


def _embedding(layer: nn.Embedding, activations: list[Tensor], backprops: Tensor) -> dict[nn.Parameter, Tensor]:
    """As opacus has it, but the vector that stands for padding has no gradient, as in torch."""
    found: dict[nn.Parameter, Tensor] = compute_embedding_grad_sample(layer, activations, backprops)
    if layer.padding_idx is not None:
        for gradient in found.values():
            gradient[:, layer.padding_idx] = 0.0
    return found


class PerExample:
    """A module that yields the gradient of each example in `grad_sample` of its parameters."""

    def __init__(self, module: nn.Module, task: Task = CLASSIFICATION) -> None:
        self._task = task
        # Integer inputs have no gradients; opacus does without them, and torch warns of it at each step.
        warnings.filterwarnings("ignore", message="Full backward hook is firing when gradients are computed")
        self._model = GradSampleModule(module, loss_reduction="sum")
        self._model.GRAD_SAMPLERS = {**self._model.GRAD_SAMPLERS, nn.Embedding: _embedding}
        self._trainable: list[Any] = [p for p in module.parameters() if p.requires_grad]

    def differentiate(self, x: Tensor, y: Tensor, forward: AbstractContextManager[Any]) -> None:
        """Fill `grad_sample` [n, ...] for a batch, which may be empty; zeros for what takes no part in the forward.

        The forward pass is made within `forward`.
        """
        for parameter in self._trainable:
            parameter.grad_sample = None
        if len(y):
            # Opacus's hooks fire on the gradients of a layer's inputs, the first layer's too.
            x = x.detach().requires_grad_(x.is_floating_point())
            with forward:
                loss = self._task.loss(self._model(x), y, "sum")
            torch.autograd.backward(loss)
        for parameter in self._trainable:
            if parameter.grad_sample is None:
                parameter.grad_sample = parameter.new_zeros(len(y), *parameter.shape)


class PrivateGradients:
    """The steps of one task (Abadi et al. 2016, Algorithm 1; Guo et al. 2024, eq. 4 to 6, per example)."""

    def __init__(
        self,
        examples: PerExample,
        optimizer: torch.optim.Optimizer,
        privacy: LocalPrivacy,
        *,
        batch: int,
        generator: torch.Generator,
        forward: AbstractContextManager[Any] | None = None,
    ) -> None:
        """`batch` is the expected size of a batch; the noise is drawn from `generator`.

        Forward passes are made within `forward`.
        """
        self._forward = nullcontext() if forward is None else forward
        self._examples = examples
        self._privacy = privacy
        self._batch = batch
        self._generator = generator
        self._opacus = DPOptimizer(
            optimizer,
            noise_multiplier=privacy.noise(batch),
            max_grad_norm=privacy.clip_norm,
            expected_batch_size=batch,
        )

    @property
    def clip_norm(self) -> float:
        """C, to which the gradients of the next batch will be clipped."""
        return float(self._opacus.max_grad_norm)

    def differentiate(self, x: Tensor, y: Tensor) -> None:
        """Leave the private gradient of a batch, which may be empty, in `grad` of the parameters."""
        self._opacus.zero_grad(set_to_none=True)
        self._examples.differentiate(x, y, self._forward)
        fitting = self._count_fitting()
        self._opacus.clip_and_accumulate()
        deviation = self._opacus.noise_multiplier * self.clip_norm
        for parameter in self._opacus.params:
            parameter.grad = parameter.summed_grad + deviation * noise_like(parameter, self._generator)
        self._opacus.scale_grad()
        self._adapt(fitting, len(y))

    def _count_fitting(self) -> int:
        """How many of the batch's gradients are at most C long."""
        norms = torch.stack([g.flatten(1).norm(dim=1) for g in self._opacus.grad_samples]).norm(dim=0)
        return int((norms <= self.clip_norm).sum())

    def _adapt(self, fitting: int, size: int) -> None:
        quantile = self._privacy.quantile
        if quantile is None:
            return
        noise = quantile.deviation(self._privacy.sigma, self._batch) * noise_like(
            torch.zeros((), dtype=torch.float32), self._generator
        )
        self._opacus.max_grad_norm *= float(quantile.factor(fitting - size / 2 + noise.double(), self._batch))
