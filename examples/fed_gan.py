"""FedGAN: clients train a generator and a critic on handwritten digits together, and one in five attacks.

    python examples/fed_gan.py               # the digits of scikit-learn
    python examples/fed_gan.py DATA          # MNIST, from the data folder

Source: Rasouli, Sun and Rajagopal, "FedGAN" (2020), Algorithm 1: each client takes steps on both networks at once,
and the server averages both. Both are parts of one module here, and `Adversarial` has one loss for them: what the
critic says of real pictures, what it says of made ones that the generator cannot change, and what an unchangeable
critic says of made ones. So no gradient goes astray. The generator's loss is the one that does not saturate
(Goodfellow et al. 2014, section 3).
"""

import sys
from pathlib import Path
from typing import ClassVar, Literal

import torch
from torch import Tensor, nn
from torch.func import functional_call
from torch.nn.functional import softplus

from fedprop import Dataset, Experiment, run
from fedprop.data import MNIST, Digits, Examples
from fedprop.params import ParameterLayout
from fedprop.tasks import Task

NOISE = 16


class Gan(nn.Module):
    """Answers with three logits for each picture: of itself, and of one made in its place, twice."""

    def __init__(self, pixels: int, width: int = 64) -> None:
        super().__init__()
        self.generator = nn.Sequential(
            nn.Linear(NOISE, width), nn.LeakyReLU(0.2), nn.Linear(width, pixels), nn.Sigmoid()
        )
        self.critic = nn.Sequential(nn.Linear(pixels, width), nn.LeakyReLU(0.2), nn.Linear(width, 1))

    def made(self, many: int) -> Tensor:
        """Pictures of the generator; always the same ones but in training."""
        fixed = None if self.training else torch.Generator().manual_seed(0)
        pictures: Tensor = self.generator(torch.randn(many, NOISE, generator=fixed))
        return pictures

    def forward(self, x: Tensor) -> Tensor:
        made = self.made(len(x))
        fixed = {name: value.detach() for name, value in self.critic.named_parameters()}
        told = functional_call(self.critic, fixed, (made,))
        return torch.cat([self.critic(x.flatten(1)), self.critic(made.detach()), told], dim=1)


class Adversarial(Task):
    """Real pictures are to be told from made ones, and made ones to be taken for real."""

    vectors: ClassVar[bool] = True
    kind: Literal["adversarial"] = "adversarial"

    def each(self, outputs: Tensor, y: Tensor) -> Tensor:
        real, made, told = outputs.unbind(dim=-1)
        return softplus(-real) + softplus(made) + softplus(-told)

    def right(self, outputs: Tensor, y: Tensor) -> Tensor:
        return (outputs > 0) == (y > 0)


def pictures(data: Dataset) -> Dataset:
    """The same pictures with values in [0, 1]; their labels say of the three logits which is of a real one."""
    parts = [
        Examples(part.x / data.train.x.max(), torch.tensor([[1.0, 0.0, 0.0]]).repeat(len(part), 1))
        for part in (data.train, data.test)
    ]
    return Dataset("pictures", *parts, 3)


def distance(data: Dataset, model: Gan, parameters: Tensor) -> float:
    """How far the mean made picture lies from the mean real one, in units of how far a picture of noise does."""
    ParameterLayout.of(model).load(model, parameters)
    real, made = data.test.x.flatten(1), model.eval().made(500).detach()
    noise = torch.rand(500, real.shape[1], generator=torch.Generator().manual_seed(1))
    return float((made.mean(0) - real.mean(0)).norm() / (noise.mean(0) - real.mean(0)).norm())


def play(data: Dataset, attack: dict[str, object], defense: dict[str, object], *, rounds: int = 40) -> float:
    """The distance after so many rounds of ten clients."""
    torch.manual_seed(0)
    model = Gan(data.train.x[0].numel())
    training = {"optimizer": "adam", "lr": 0.003, "steps": 5, "batch_size": 32}
    settings = {"rounds": rounds, "evaluate_every": rounds, "clients": 10, "training": training}
    experiment = Experiment(task=Adversarial(), attack=attack, defense=defense, **settings)
    return distance(data, model, run(experiment, dataset=data, model=model).parameters)


def main(folder: str | None) -> None:
    """Print how far made pictures are from real ones, with and without an attack and a defense."""
    found = (
        Digits().load(None, seed=0)
        if folder is None
        else MNIST(train_size=2000, test_size=500).load(Path(folder), seed=0)
    )
    data, flipped = pictures(found), {"kind": "sign_flip", "z": 10.0, "share": 0.2}
    for name, attack, defense in (
        ("no attack, mean", {"kind": "none"}, {"kind": "mean"}),
        ("signs flipped, mean", flipped, {"kind": "mean"}),
        ("signs flipped, median", flipped, {"kind": "median"}),
    ):
        print(f"{name:24} {play(data, attack, defense):.3f}")


if __name__ == "__main__":
    main(*sys.argv[1:] or [None])
