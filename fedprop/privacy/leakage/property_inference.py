"""Property inference: what a client's data have in common, told by updates that an attacker makes for itself."""

from collections.abc import Callable
from typing import Annotated, Any, ClassVar, Literal

import numpy as np
import torch
from pydantic import Field, NonNegativeInt, PositiveInt
from torch import Tensor, nn

from fedprop.cores import one_thread
from fedprop.data.base import Examples
from fedprop.draws import seeded
from fedprop.errors import InvalidConfig
from fedprop.metrics import Number
from fedprop.params import ParameterLayout, copy_module
from fedprop.privacy.leakage.imitation import Imitation, batches
from fedprop.privacy.leakage.numbers import PropertyAUC
from fedprop.privacy.probe import Finding, Probe, Sent, Sight, Watched, only_plain_descent
from fedprop.rng import generator, key
from fedprop.types import ClientId, Updates


class PropertyInference(Probe):
    """Ask of every client whether it holds examples of a class, by the look of its update.

    The attacker has data of its own, those of the test set. From the model that a client was sent it makes updates,
    half of them from batches with the property, and a random forest learns to tell them apart by the sizes of their
    entries. What the paper asks about has nothing to do with what is learnt; here the property is one that every data
    set with classes has, and that the last layer tells more of than others would.

    Attributes
    ----------
    label : the class that is asked about.
    share : of an attacker's batch with the property, the share that has it.
    batches : how many updates the attacker makes of each sort, one from each of so many batches.
    every : rounds between two attacks; the last round is always attacked.

    Source: Melis et al., "Exploiting Unintended Feature Leakage in Collaborative Learning", S&P 2019, section 4
    (passive); forest and features as in the authors' code.
    """

    numbers: ClassVar[tuple[Number, ...]] = (PropertyAUC(),)
    needs_classes: ClassVar[bool] = True
    compares: ClassVar[bool] = True
    knows: ClassVar[str] = "the model, how clients train, examples with the property and without"
    stands: ClassVar[str] = "at the server, or on its links"

    kind: Literal["property_inference"] = "property_inference"
    label: NonNegativeInt = 0
    share: Annotated[float, Field(gt=0.0, le=1.0)] = 0.5
    batches: PositiveInt = 60
    every: PositiveInt = 1

    def watch(self, run: Watched) -> Callable[[Sight], tuple[Finding, ...]]:
        only_plain_descent(run, self.kind)
        having = run.outsiders.y == self.label
        if not having.any() or having.all():
            raise InvalidConfig(f"`inference.label` must be that of some test examples, not of all; found {self.label}")
        return _Asking(self, run, having)


class _Asking:
    """Attacks all updates of a round; keeps nothing from round to round, so a resumed run finds the same."""

    def __init__(self, probe: PropertyInference, run: Watched, having: Tensor) -> None:
        self._probe, self._run = probe, run
        self._module: nn.Module = copy_module(run.module).to(run.pool.x.device).train()
        self._with, self._without = (
            Examples(run.outsiders.x[chosen], run.outsiders.y[chosen]) for chosen in (having, ~having)
        )
        self._true = [float((run.pool.y[part] == probe.label).any()) for part in run.parts]

    def __call__(self, sight: Sight) -> tuple[Finding, ...]:
        if not sight.last and (sight.round + 1) % self._probe.every:
            return ()
        heard = {client: sent for client in range(len(self._true)) if (sent := sight.sent(client)) and sent.steps}
        name = key(self._run.seed, self._probe.kind, sight.round)
        with one_thread(), seeded(name, self._run.pool.x.device):
            return tuple(
                Finding(
                    self._probe.kind, client, self._probe.kind, {"property_score": score, "has": self._true[client]}
                )
                for group in _alike(heard)
                for client, score in self._scores({c: heard[c] for c in group}, sight, name).items()
            )

    def _scores(self, heard: dict[ClientId, Sent], sight: Sight, name: int) -> dict[ClientId, float]:
        """How likely each client has the property, all of which began with one model."""
        # scikit-learn takes a second to import, so only those who attack pay for it.
        from sklearn.ensemble import RandomForestClassifier
        from sklearn.preprocessing import StandardScaler

        sent = next(iter(heard.values()))
        made, has = self._made(sent, self._run.training.rate(sight.round), sight)
        scale = StandardScaler().fit(made)
        forest = RandomForestClassifier(100, min_samples_leaf=5, min_samples_split=5, random_state=name % 2**32)
        forest.fit(scale.transform(made), has)
        mask = ParameterLayout.of(self._module).trainable.to(sent.update.device)
        seen = _features(torch.stack([sent.learnt[mask] for sent in heard.values()]))
        found = forest.predict_proba(scale.transform(seen))[:, 1]
        return dict(zip(heard, map(float, found), strict=True))

    def _made(self, sent: Sent, lr: float, sight: Sight) -> tuple[np.ndarray[Any, Any], list[bool]]:
        """The features of the attacker's own updates, and which of them come from batches with the property."""
        steps = batches(sent.examples, self._run.training.batch_size, sent.steps)
        imitation = Imitation(self._module, sent.first, loss=self._run.task.loss, steps=steps, lr=lr)
        stream = generator(self._run.seed, f"{self._probe.kind} batches", sight.round)
        has = [bool(number % 2) for number in range(2 * self._probe.batches)]
        drawn = (self._draw(imitation.seen, stream, having=having) for having in has)
        return _features(torch.stack([imitation(batch.x, batch.y).detach() for batch in drawn])), has

    def _draw(self, size: int, stream: torch.Generator, *, having: bool) -> Examples:
        """A batch of the attacker's data, in random order, with replacement."""
        count = max(1, round(self._probe.share * size)) if having else 0
        parts = [_some(self._with, count, stream), _some(self._without, size - count, stream)]
        order = torch.randperm(size, generator=stream)
        return Examples(*(torch.cat([getattr(part, name) for part in parts])[order] for name in ("x", "y")))


def _alike(heard: dict[ClientId, Sent]) -> list[list[ClientId]]:
    """The clients by the model that they began with, and how long they trained on how much."""
    groups: list[list[ClientId]] = []
    for client, sent in heard.items():
        for group in groups:
            other = heard[group[0]]
            if (other.examples, other.steps) == (sent.examples, sent.steps) and torch.equal(other.first, sent.first):
                group.append(client)
                break
        else:
            groups.append([client])
    return groups


def _some(examples: Examples, count: int, stream: torch.Generator) -> Examples:
    chosen = torch.randint(len(examples), (count,), generator=stream)
    return Examples(examples.x[chosen], examples.y[chosen])


def _features(updates: Updates) -> np.ndarray[Any, Any]:
    """The sizes of the entries of each update, whose length is made 1."""
    sizes = updates.abs().double().cpu()
    found: np.ndarray[Any, Any] = (sizes / sizes.norm(dim=1, keepdim=True).clamp(min=1e-30)).numpy()
    return found
