"""FedGKT: small models on clients, a larger one on the server, and features of examples on the wire; one in five lies.

    python examples/fed_gkt.py               # the digits of scikit-learn
    python examples/fed_gkt.py DATA          # MNIST, from the data folder

Source: He, Annavaram and Avestimehr, "Group Knowledge Transfer: Federated Learning of Large CNNs at the Edge" (NeurIPS
2020), Algorithm 1. Each client trains a small model of its own, its edge, and sends features, logits and labels of its
examples. The server trains the rest of a larger model on these, and tells each client what that says of the client's
examples. Both learn from labels and from each other's logits.

A row holds what a client sends: `Parts` has a table of what clients tell the server and one of what it says to them,
each with a line for every example of the data. A client fills in the lines of its own examples; the others are zero,
and need not travel. Nor need its edge, which the server keeps for tests alone and hands to nobody else.

The server's steps follow what a rule makes of gradients, one row for what each client told. With the mean that weighs
clients by how many examples they tell of, that is the paper's training on all of them; a robust rule bounds what lies
can do.
"""

import sys
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any, Literal, NamedTuple

import torch
from torch import Tensor, nn
from torch.func import functional_call, grad, vmap
from torch.nn.functional import cross_entropy, kl_div, relu

from fedprop import Dataset, Experiment, Observer, run
from fedprop.aggregators import Aggregation, Aggregator, Cohort
from fedprop.aggregators.rule_field import RuleField
from fedprop.attacks import Attack, View
from fedprop.data import MNIST, Digits, Examples
from fedprop.defenses import Replies, RoundProtocol, Ruling, Screened
from fedprop.params import ParameterLayout
from fedprop.tasks import Classification
from fedprop.training.steering import Place, Stack, Steering

TEMPERATURE = 3.0

MEAN = {"kind": "mean", "weighting": "examples"}


class Sizes(NamedTuple):
    """Of data and models."""

    clients: int
    examples: int
    pixels: int
    classes: int
    features: int = 32
    width: int = 128

    def edge(self, flat: Tensor, x: Tensor) -> tuple[Tensor, Tensor]:
        """What a small model, a vector, makes of x [b, pixels]: features [b, features] and logits [b, classes]."""
        n = self.features
        weight, bias, head, last = flat.split([n * self.pixels, n, self.classes * n, self.classes])
        features = relu(x @ weight.view(n, -1).T + bias)
        return features, features @ head.view(-1, n).T + last


class Parts(nn.Module):
    """All that the server knows, as one model: each input's first entry is which example of the data it is.

    In training it answers as the edge of the client that `who` points at, beside what the server said of the same
    examples. In a test all edges answer together, each with the server's model behind it.
    """

    who: Tensor
    said: Tensor

    def __init__(self, sizes: Sizes) -> None:
        super().__init__()
        self.sizes = sizes
        first, last = nn.Linear(sizes.pixels, sizes.features), nn.Linear(sizes.features, sizes.classes)
        edge = torch.cat([part.detach().flatten() for part in (*first.parameters(), *last.parameters())])
        self.edges = nn.Parameter(edge.repeat(sizes.clients, 1))
        self.server = nn.Sequential(
            nn.Linear(sizes.features, sizes.width), nn.ReLU(), nn.Linear(sizes.width, sizes.classes)
        )
        self.told = nn.Parameter(torch.zeros(sizes.examples, sizes.features + sizes.classes + 1))
        self.register_buffer("who", torch.zeros(sizes.clients))
        self.register_buffer("said", torch.zeros(sizes.examples, sizes.classes))

    def forward(self, x: Tensor) -> Tensor:
        if self.training:
            _, logits = self.sizes.edge(self.who @ self.edges, x[:, 1:])
            # `Telling` moves what has a gradient, which is zero here.
            return torch.cat([logits + 0 * self.told.sum(), self.said[x[:, 0].long()]], dim=1)
        each = torch.stack([self.answers(edge, x[:, 1:]).softmax(dim=1) for edge in self.edges])
        together = each.mean(dim=0).log()
        return torch.cat([together, torch.zeros_like(together)], dim=1)

    def answers(self, edge: Tensor, x: Tensor) -> Tensor:
        """The logits of the server's model behind an edge."""
        logits: Tensor = self.server(self.sizes.edge(edge, x)[0])
        return logits


@cache
def places(sizes: Sizes) -> dict[str, slice]:
    """Where the parts of a row lie."""
    found = ParameterLayout.of(Parts(sizes)).slices
    server = [part for name, part in found.items() if name.startswith("server")]
    return {**found, "server": slice(server[0].start, server[-1].stop)}


def apart(logits: Tensor, others: Tensor) -> Tensor:
    """How far each of the softened answers [..., classes] is from another's; 0 where the other said nothing."""
    mine, theirs = (value.div(TEMPERATURE).log_softmax(dim=-1) for value in (logits, others))
    return TEMPERATURE**2 * kl_div(mine, theirs, reduction="none", log_target=True).sum(dim=-1) * others.any(dim=-1)


class Transfer(Classification):
    """The loss of an edge: its logits come first, and then the server's."""

    kind: Literal["transfer"] = "transfer"  # type: ignore[assignment]

    def each(self, outputs: Tensor, y: Tensor) -> Tensor:
        mine, others = outputs.chunk(2, dim=-1)
        return cross_entropy(mine.movedim(-1, 1), y, reduction="none") + apart(mine, others)

    def loss(self, outputs: Tensor, y: Tensor, reduction: Literal["mean", "sum"] = "mean") -> Tensor:
        found = self.each(outputs, y)
        return found.mean() if reduction == "mean" else found.sum()

    def refused(self, outputs: Tensor, x: Tensor, answers: int | None) -> str:
        return super().refused(outputs.chunk(2, dim=-1)[0], x, answers)

    def right(self, outputs: Tensor, y: Tensor) -> Tensor:
        return outputs.chunk(2, dim=-1)[0].argmax(dim=-1) == y


class Telling(Steering):
    """After each step a client notes what its edge makes of the batch: the last notes are what it tells the server."""

    looks = True

    def __init__(self, sizes: Sizes) -> None:
        self.sizes = sizes

    def push(self, gradients: Stack, place: Place) -> Stack:
        lesson, told = place.lesson(), place.params["told"]
        moves = torch.zeros_like(told)
        for i, edge in enumerate(torch.einsum("kn,knp->kp", lesson.state["who"], place.params["edges"])):
            x, y = lesson.x[i][lesson.real[i]], lesson.y[i][lesson.real[i]]
            lines = x[:, 0].long()
            moves[i, lines] = torch.cat([*self.sizes.edge(edge, x[:, 1:]), y[:, None] + 1], dim=1) - told[i, lines]
        return {"told": moves}


class Told(NamedTuple):
    """What one client told: features [m, features], logits [m, classes] and labels [m], and of which examples [m]."""

    features: Tensor
    logits: Tensor
    labels: Tensor
    lines: Tensor

    @classmethod
    def of(cls, row: Tensor, sizes: Sizes) -> "Told | None":
        """Read it in a row [d]; None if it is not in form."""
        table = row[places(sizes)["told"]].view(sizes.examples, -1)
        lines = table.any(dim=1).nonzero()[:, 0]
        features, logits, last = table[lines].split([sizes.features, sizes.classes, 1], dim=1)
        labels = last[:, 0] - 1
        in_form = (features >= 0).all() and torch.isin(labels, torch.arange(sizes.classes).to(labels)).all()
        return cls(features, logits, labels.long(), lines) if len(lines) and in_form else None


class FedGkt(RoundProtocol):
    """Group knowledge transfer, with a rule for the gradients of the server's model.

    Attributes
    ----------
    robust : the rule.
    steps, lr, batch : of the server's training in each round; a batch of each client's examples in each step.
    """

    kind: Literal["fed_gkt"] = "fed_gkt"
    sizes: Sizes
    robust: RuleField
    steps: int = 60
    lr: float = 0.2
    batch: int = 64

    @property
    def rule(self) -> Aggregator:
        return self.robust

    def init(self) -> dict[int, Told]:
        return {}

    def train(self) -> Steering:
        return Telling(self.sizes)

    def invite(self, client: int, parameters: Tensor, memory: Any, *, generator: torch.Generator) -> Tensor:
        """The client's own edge, and what the server's model says of what the client told last."""
        parts = self._parts(parameters)
        sent = {name: torch.zeros_like(value) for name, value in parts.state_dict().items()}
        sent["edges"][client], sent["who"][client] = parts.edges[client].detach(), 1.0
        if client in memory:
            features, *_, lines = memory[client]
            sent["said"][lines] = parts.server(features).detach()
        return ParameterLayout.of(parts).join(sent, {})

    def screen(self, replies: Replies, memory: Any) -> Screened:
        """Note what clients tell; nothing of what a client sends is used if that is not in form."""
        heard = {c: Told.of(row, self.sizes) for c, row in zip(replies.clients, replies.updates, strict=True)}
        verdicts = {client: "told" if told else "not in form" for client, told in heard.items()}
        known = {**memory, **{client: told for client, told in heard.items() if told}}
        return Screened(tuple(told is not None for told in heard.values()), Ruling("told", verdicts), known)

    def aggregate(self, cohort: Cohort, memory: Any, *, rule: Callable[[Cohort], Aggregation]) -> Aggregation:
        """Train the server's model on what was told, and keep each client's edge."""
        parts = self._parts(cohort.model)
        model, where = ParameterLayout.of(parts.server), places(self.sizes)
        told = [Told(*memory[client]) for client in cohort.clients]
        heard = tuple(len(of.lines) for of in told)

        def loss(parameters: Tensor, features: Tensor, others: Tensor, labels: Tensor) -> Tensor:
            logits = functional_call(parts.server, model.views(parameters)[0], (features,))
            return (cross_entropy(logits, labels, reduction="none") + apart(logits, others)).mean()

        begun = parameters = model.flatten(parts.server)
        for _ in range(self.steps):
            drawn = [torch.randint(many, (self.batch,), generator=cohort.generator) for many in heard]
            batches = [torch.stack([of[part][rows] for of, rows in zip(told, drawn, strict=True)]) for part in range(3)]
            gradients = vmap(grad(loss), in_dims=(None, 0, 0, 0))(parameters, *batches)
            answer = rule(Cohort(gradients, clients=cohort.clients, examples=heard))
            parameters = parameters - self.lr * answer.value
        value = torch.zeros_like(cohort.model)
        value[where["server"]] = parameters - begun
        edges = value[where["edges"]].view(self.sizes.clients, -1)
        for client, row in zip(cohort.clients, cohort.updates, strict=True):
            edges[client] = row[where["edges"]].view_as(edges)[client]
        return Aggregation(value, answer.weights)

    def _parts(self, parameters: Tensor) -> Parts:
        parts = Parts(self.sizes)
        ParameterLayout.of(parts).load(parts, parameters)
        return parts


class Lies(Attack):
    """Clients tell all that honest ones tell, with the next class in labels and logits; so they see others' rows."""

    kind: Literal["lies"] = "lies"
    sizes: Sizes

    @property
    def sees(self) -> Literal["full"]:
        return "full"

    def craft(self, view: View) -> Tensor:
        table = view.own.new_zeros(self.sizes.examples, self.sizes.features + self.sizes.classes + 1)
        for told in (Told.of(row, self.sizes) for row in view.others):
            wrong = (told.labels[:, None] + 1) % self.sizes.classes + 1
            table[told.lines] = torch.cat([told.features, told.logits.roll(1, dims=1), wrong], dim=1)
        rows = view.own.clone()
        rows[:, places(self.sizes)["told"]] = table.flatten()
        return rows


class Seen(Observer):
    """Who lies, for the tests of the others."""

    liars: frozenset[int] = frozenset()

    def on_round(self, record: Any, snapshot: Any) -> None:
        self.liars = snapshot.compromised


def numbered(data: Dataset) -> Dataset:
    """The same pictures as vectors, each behind its number."""
    parts = [
        Examples(torch.cat([torch.arange(len(part))[:, None], part.x.flatten(1) / data.train.x.max()], dim=1), part.y)
        for part in (data.train, data.test)
    ]
    return Dataset("numbered", *parts, data.classes)


def play(data: Dataset, defense: dict[str, object], *, lying: bool = True, rounds: int = 20) -> tuple[float, float]:
    """Test accuracy of honest clients' edges alone, and with the server's model behind them, after so many rounds."""
    torch.manual_seed(0)
    data = numbered(data)
    sizes = Sizes(10, len(data.train), data.train.x.shape[1] - 1, data.classes)
    parts = Parts(sizes)
    attack = Lies(sizes=sizes, share=0.2) if lying else "none"
    training = {"optimizer": "adam", "lr": 0.01, "steps": 10, "batch_size": len(data.train)}
    settings = {"rounds": rounds, "evaluate_every": rounds, "clients": sizes.clients, "training": training}
    protocol = FedGkt(sizes=sizes, robust=defense)
    seen = Seen()
    experiment = Experiment(task=Transfer(), attack=attack, defense=protocol, **settings)
    outcome = run(experiment, dataset=data, model=parts, watchers=[seen])
    ParameterLayout.of(parts).load(parts, outcome.parameters)
    x, y = data.test.x[:, 1:], data.test.y
    honest = [edge for client, edge in enumerate(parts.edges) if client not in seen.liars]
    answers = [(sizes.edge(edge, x)[1], parts.answers(edge, x)) for edge in honest]
    alone, behind = (
        sum(float((pair[i].argmax(dim=1) == y).float().mean()) for pair in answers) / len(honest) for i in (0, 1)
    )
    return alone, behind


def main(folder: str | None = None) -> None:
    """Print how well clients do, with and without lies and a defense."""
    data = (
        Digits().load(None, seed=0)
        if folder is None
        else MNIST(train_size=2000, test_size=500).load(Path(folder), seed=0)
    )
    for name, lying, defense in (
        ("no lies, mean", False, MEAN),
        ("lies, mean", True, MEAN),
        ("lies, Krum", True, {"kind": "krum", "f": 2, "m": 6}),
    ):
        alone, behind = play(data, defense, lying=lying)
        print(f"{name:24} edges alone {alone:.3f}, with the server's model {behind:.3f}")


if __name__ == "__main__":
    main(*sys.argv[1:])
