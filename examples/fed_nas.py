"""FedNAS: clients search for the operations of a cell while they learn its weights, and one in five attacks.

    python examples/fed_nas.py

Source: He, Annavaram and Avestimehr, "FedNAS" (2020), after DARTS (Liu, Simonyan and Yang, ICLR 2019): an edge of the
cell is a mixture of operations whose shares are learnt, too; a client's local step moves weights by half of its
examples and shares by the other half (DARTS in first order), and the server averages both. Here the step is a matter
of the model alone: in training each example's gradient goes to the weights, if its place in the batch is even, or
else to the shares. So any rule, attack and engine goes with it.

The cell has two edges with three operations each on the 8 x 8 digits of scikit-learn; one of these, `none`, hands
nothing on.
"""

import torch
from torch import Tensor, nn
from torch.func import functional_call

from fedprop import Dataset, Experiment, run
from fedprop.data import Digits
from fedprop.params import ParameterLayout

OPERATIONS = ("none", "skip", "layer")


class Cell(nn.Module):
    """Two edges in a row, each a mixture of operations."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.layers = nn.ModuleList(nn.Linear(width, width) for _ in range(2))
        self.shares = nn.Parameter(torch.zeros(2, len(OPERATIONS)))

    def forward(self, x: Tensor) -> Tensor:
        for layer, shares in zip(self.layers, self.shares.softmax(dim=1), strict=True):
            x = shares[1] * x + shares[2] * torch.relu(layer(x))
        return x


class Search(nn.Module):
    """A cell between a first and a last layer."""

    def __init__(self, inputs: int = 64, width: int = 24, classes: int = 10) -> None:
        super().__init__()
        self.parts = nn.Sequential(nn.Flatten(), nn.Linear(inputs, width), Cell(width), nn.Linear(width, classes))

    def forward(self, x: Tensor) -> Tensor:
        if not self.training:
            logits: Tensor = self.parts(x)
            return logits
        even = (torch.arange(len(x), device=x.device) % 2 == 0)[:, None]
        return torch.where(even, self._with(x, "shares", fixed=True), self._with(x, "shares", fixed=False))

    def _with(self, x: Tensor, end: str, *, fixed: bool) -> Tensor:
        """The answers whose gradients leave the parameters alone whose names end so, or all others."""
        held = {name: p.detach() if name.endswith(end) == fixed else p for name, p in self.parts.named_parameters()}
        answers: Tensor = functional_call(self.parts, held, (x,))
        return answers


def play(
    data: Dataset, attack: dict[str, object], defense: dict[str, object], *, rounds: int = 40
) -> tuple[float, list[str]]:
    """Test accuracy, and the operation with the largest share on either edge, after so many rounds of ten clients."""
    torch.manual_seed(0)
    model = Search()
    training = {"optimizer": "adam", "lr": 0.01, "steps": 5, "batch_size": 32}
    settings = {"rounds": rounds, "evaluate_every": rounds, "clients": 10, "training": training}
    outcome = run(Experiment(attack=attack, defense=defense, **settings), dataset=data, model=model)
    ParameterLayout.of(model).load(model, outcome.parameters)
    chosen = model.get_submodule("parts.2").shares.argmax(dim=1)
    return outcome.test_accuracy, [OPERATIONS[i] for i in chosen]


def main() -> None:
    """Print accuracy and the cell that was found, with and without an attack and a defense."""
    data, flipped = Digits().load(None, seed=0), {"kind": "sign_flip", "z": 10.0, "share": 0.2}
    for name, attack, defense in (
        ("no attack, mean", {"kind": "none"}, {"kind": "mean"}),
        ("signs flipped, mean", flipped, {"kind": "mean"}),
        ("signs flipped, Krum", flipped, {"kind": "krum", "f": 2, "m": 6}),
    ):
        accuracy, chosen = play(data, attack, defense)
        print(f"{name:24} {accuracy:.3f}  {', '.join(chosen)}")


if __name__ == "__main__":
    main()
