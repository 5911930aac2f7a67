"""Membership inference against a running simulation, round by round."""

from collections.abc import Iterator, Sequence
from typing import Annotated, ClassVar, Literal, NamedTuple, TypeAlias

import torch
from pydantic import Field, NonNegativeInt, PositiveInt
from torch import Tensor, nn

from fedprop.data.base import Examples
from fedprop.draws import OwnDraws, seeded
from fedprop.errors import InvalidConfig
from fedprop.metrics import Number
from fedprop.params import ParameterLayout, copy_module
from fedprop.privacy.membership import Inference, finding_of
from fedprop.privacy.membership_attacks import Answers, Features, Statistic, logistic_regression, threshold
from fedprop.privacy.membership_numbers import ClientAUC, GlobalAUC
from fedprop.privacy.probe import Finding, Probe, Sight, Watched
from fedprop.rng import generator
from fedprop.types import ClientId, Vector

AttackName: TypeAlias = Literal["threshold", "logistic_regression"]

Target: TypeAlias = Literal["global", "client"]

BATCH = 256
"""So few that the activations of a convolutional network stay in a CPU's caches."""


class Membership(Probe):
    """Ask of examples whether a model was trained on them.

    Attributes
    ----------
    attacks : which ones to try; see `fedprop.privacy.membership_attacks`.
    targets : the `global` model, whose members are everybody's training data, and the local model of one `client`, its
        update added to the model it started from, whose members are that client's training data. A client is attacked
        in the rounds for which the server accepts an update of it.
    client : the target's id.
    every : rounds between two attacks; the last round is always attacked.
    pairs : how many members at most, each with a non-member out of the test set. They are the same in all rounds.
    statistic : what the threshold attack looks at.
    features : what the logistic regression looks at.

    Source: Guo et al. 2024, section 5.5; the attacks are those of TensorFlow Privacy and Salem et al. 2018.
    """

    numbers: ClassVar[tuple[Number, ...]] = (GlobalAUC(), ClientAUC())
    needs_classes: ClassVar[bool] = True
    knows: ClassVar[str] = "the examples that it asks about"
    stands: ClassVar[str] = "at the server, or on its links; of the global model, anywhere"

    kind: Literal["membership"] = "membership"
    attacks: Annotated[tuple[AttackName, ...], Field(min_length=1)] = ("threshold", "logistic_regression")
    targets: Annotated[tuple[Target, ...], Field(min_length=1)] = ("global", "client")
    client: NonNegativeInt = 0
    every: PositiveInt = 1
    pairs: Annotated[int, Field(ge=2)] = 500
    statistic: Statistic = "loss"
    features: Features = "logits"

    def watch(self, run: Watched) -> "MembershipProbe":
        return MembershipProbe(self, run.module, pool=run.pool, parts=run.parts, outsiders=run.outsiders, seed=run.seed)


class Suspects(NamedTuple):
    """The examples asked about in attacks on one model: members and, pair by pair of one label, non-members."""

    client: ClientId | None
    members: Examples
    nonmembers: Examples


class MembershipProbe:
    """Attacks the models of a run; keeps nothing from round to round, so a resumed run finds the same.

    Members and non-members are matched label by label. With non-IID data they would differ in their labels otherwise,
    and an attack could succeed against a model that remembers nothing.

    Parameters
    ----------
    module : the model whose parameters the run exchanges; it is copied.
    pool, parts : everybody's training data, and which of it each client holds.
    outsiders : examples nobody trains on.
    seed : decides which examples are asked about, and in what order.

    Raises
    ------
    InvalidConfig
        If there is no such client, or there are not two pairs of a member and a non-member of the same label.
    """

    def __init__(
        self,
        config: Membership,
        module: nn.Module,
        *,
        pool: Examples,
        parts: Sequence[Tensor],
        outsiders: Examples,
        seed: int,
    ) -> None:
        self.config = config
        self._module = copy_module(module).to(pool.x.device).eval()
        self._layout = ParameterLayout.of(self._module)
        if config.client >= len(parts):
            clients = len(parts)
            raise InvalidConfig(f"`inference.client` must be a client's id, below {clients}; found {config.client}")
        owners = (None if target == "global" else config.client for target in config.targets)
        self.suspects = [
            _suspects(
                client,
                _take(pool, _once(parts) if client is None else parts[client]),
                outsiders,
                config.pairs,
                generator(seed, "membership", -1 if client is None else client),
            )
            for client in owners
        ]

    def __call__(self, sight: Sight) -> tuple[Finding, ...]:
        if not sight.last and (sight.round + 1) % self.config.every:
            return ()
        return tuple(finding for suspects in self.suspects for finding in self._attack(suspects, sight))

    def _attack(self, suspects: Suspects, sight: Sight) -> Iterator[Finding]:
        client = suspects.client
        parameters: Vector | None = sight.parameters
        if client is not None:
            sent = sight.sent(client)
            parameters = None if sent is None else sent.local
        if parameters is not None:
            members, nonmembers = (self._ask(parameters, examples) for examples in suspects[1:])
            for attack in self.config.attacks:
                yield finding_of(client, attack, self._run(attack, members, nonmembers))

    def _run(self, attack: AttackName, members: Answers, nonmembers: Answers) -> Inference:
        if attack == "threshold":
            return threshold(members, nonmembers, statistic=self.config.statistic)
        return logistic_regression(members, nonmembers, features=self.config.features)

    @torch.no_grad()
    def _ask(self, parameters: Vector, examples: Examples) -> Answers:
        self._layout.load(self._module, parameters)
        with seeded(0, parameters.device), OwnDraws(0):
            logits = torch.cat([self._module(x) for x in torch.split(examples.x, BATCH)])
        return Answers(logits.cpu(), examples.y.cpu())


def matched(members: Tensor, nonmembers: Tensor, most: int, stream: torch.Generator) -> Tensor:
    """Pairs of a member and a non-member with the same label, as positions, int64 [2, n], in random order.

    Parameters
    ----------
    members, nonmembers : their labels, int64 [m] and [k].
    most : the largest n; without it, n would be as large as can be with nobody in two pairs.
    """
    pairs = [torch.empty(2, 0, dtype=torch.int64)]
    for label in sorted(set(members.tolist())):
        inside, outside = (_shuffled((labels == label).nonzero()[:, 0], stream) for labels in (members, nonmembers))
        count = min(len(inside), len(outside))
        pairs.append(torch.stack([inside[:count], outside[:count]]))
    drawn = torch.cat(pairs, dim=1)
    return drawn[:, torch.randperm(drawn.shape[1], generator=stream)[:most]]


def _shuffled(values: Tensor, stream: torch.Generator) -> Tensor:
    return values[torch.randperm(len(values), generator=stream)]


def _once(parts: Sequence[Tensor]) -> Tensor:
    """The examples that anybody holds: several may hold one."""
    every = torch.cat(list(parts))
    different = torch.unique(every)
    return every if len(different) == len(every) else different


def _suspects(
    client: ClientId | None, own: Examples, outsiders: Examples, most: int, stream: torch.Generator
) -> Suspects:
    pairs = matched(own.y.cpu(), outsiders.y.cpu(), most, stream).to(own.y.device)
    if pairs.shape[1] < 2:
        whose = "everybody" if client is None else f"client {client}"
        raise InvalidConfig(
            f"`inference` needs two training examples at least whose labels the test set has too, of {whose}; "
            f"found {pairs.shape[1]}"
        )
    return Suspects(client, _take(own, pairs[0]), _take(outsiders, pairs[1]))


def _take(examples: Examples, positions: Tensor) -> Examples:
    return Examples(examples.x[positions], examples.y[positions])
