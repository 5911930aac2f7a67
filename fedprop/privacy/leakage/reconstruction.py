"""The base of attacks that look for the examples behind an update."""

from abc import abstractmethod
from collections.abc import Callable, Iterator
from statistics import fmean
from typing import ClassVar, NamedTuple

import torch
from pydantic import NonNegativeInt, PositiveInt
from torch import Tensor

from fedprop.cores import one_thread
from fedprop.draws import seeded
from fedprop.errors import InvalidConfig
from fedprop.metrics import Number
from fedprop.params import copy_module
from fedprop.privacy.leakage.imitation import Imitation, batches
from fedprop.privacy.leakage.judging import Bounds, judge, label_recall
from fedprop.privacy.leakage.kept import kept_of
from fedprop.privacy.leakage.layers import LastLayer, likely_labels
from fedprop.privacy.leakage.numbers import LabelRecall, ReconstructionPSNR, ReconstructionSSIM
from fedprop.privacy.probe import Finding, Probe, Sent, Sight, Watched, is_a_client, only_plain_descent
from fedprop.rng import generator, key
from fedprop.types import NonNegative, Vector


class Leak(NamedTuple):
    """What an attacker knows of one update, and what it may assume.

    Attributes
    ----------
    imitation : what candidates would tell.
    told : what the update tells, in the same form.
    update : all of it [d].
    shape : of the candidates, [n, ...].
    bounds : the range of inputs.
    layer : where the last layer's weights lie in an update.
    labels : those of the client's examples, for an attack that is said to know them.
    """

    imitation: Imitation
    told: Vector
    update: Vector
    shape: tuple[int, ...]
    bounds: Bounds
    layer: LastLayer
    labels: Tensor

    @property
    def likely(self) -> Tensor:
        """The labels [n] that the last layer's gradient speaks for."""
        return likely_labels(self.layer.gradient(self.update), self.shape[0])


class Guess(NamedTuple):
    """Candidates, their labels, and how far what they tell is from what the update told; less is better."""

    x: Tensor
    y: Tensor
    distance: float


class Reconstruction(Probe):
    """An attack that makes up examples and moves them until they would have led to the update that a client sent.

    Attributes
    ----------
    client : whose update is attacked, in the rounds for which the server accepts one.
    every : rounds between two attacks; the last round is always attacked.
    restarts : how often to begin, each time from other noise; the candidates that fit best count.
    enough : the distance below which candidates fit well enough, so that nothing further is tried.
    shown : how many pictures at most a record keeps beside their originals, those that came out best.
    """

    numbers: ClassVar[tuple[Number, ...]] = (ReconstructionPSNR(), ReconstructionSSIM(), LabelRecall())
    needs_classes: ClassVar[bool] = True
    stands: ClassVar[str] = "at the server, or on its links"

    client: NonNegativeInt = 0
    every: PositiveInt = 1
    restarts: PositiveInt = 1
    enough: NonNegative = 0.0
    shown: NonNegativeInt = 4

    @abstractmethod
    def fit(self, leak: Leak, noise: torch.Generator) -> Guess:
        """Candidates, from a start that is drawn from `noise`."""

    def check(self, run: Watched) -> None:
        """Refuse, with an `InvalidConfig`, a run that lacks what this attack needs beside what all do."""

    def watch(self, run: Watched) -> Callable[[Sight], tuple[Finding, ...]]:
        only_plain_descent(run, self.kind)
        is_a_client(run, self.client)
        if not run.pool.x.is_floating_point():
            raise InvalidConfig(
                f"`inference.kind` {self.kind} needs inputs that are fractions; found {run.pool.x.dtype}"
            )
        self.check(run)
        return _Reconstructing(self, run)


class _Reconstructing:
    """Attacks one client's updates; keeps nothing from round to round, so a resumed run finds the same."""

    def __init__(self, probe: Reconstruction, run: Watched) -> None:
        self._probe, self._run = probe, run
        self._module = copy_module(run.module).to(run.pool.x.device).train()
        self._layer = LastLayer(run.module, probe.kind)
        part = run.parts[probe.client]
        self._x, self._y = run.pool.x[part], run.pool.y[part]
        self._bounds = Bounds(float(run.outsiders.x.min()), float(run.outsiders.x.max()))

    def __call__(self, sight: Sight) -> tuple[Finding, ...]:
        sent = sight.sent(self._probe.client) if sight.last or not (sight.round + 1) % self._probe.every else None
        if sent is None or not sent.steps or not len(self._y):
            return ()
        leak = self._leak(sent, self._run.training.rate(sight.round))
        with one_thread(), seeded(key(self._run.seed, self._probe.kind, sight.round), sent.update.device):
            guess = min(self._guesses(leak, sight), key=_distance)
        return (self._finding(guess),)

    def _leak(self, sent: Sent, lr: float) -> Leak:
        steps = batches(len(self._y), self._run.training.batch_size, sent.steps)
        imitation = Imitation(self._module, sent.first, loss=self._run.task.loss, steps=steps, lr=lr)
        shape = (imitation.seen, *self._x.shape[1:])
        return Leak(imitation, imitation.told(sent.learnt), sent.learnt, shape, self._bounds, self._layer, self._y)

    def _guesses(self, leak: Leak, sight: Sight) -> Iterator[Guess]:
        for attempt in range(self._probe.restarts):
            guess = self._probe.fit(leak, generator(self._run.seed, self._probe.kind, sight.round, attempt))
            yield guess
            if guess.distance < self._probe.enough:
                return

    def _finding(self, guess: Guess) -> Finding:
        judged = judge(self._x, guess.x, self._bounds)
        found: dict[str, float | tuple[float, ...]] = {
            "psnr": fmean(judged.psnr),
            "label_recall": label_recall(guess.y, self._y),
        }
        if judged.ssim:
            found["ssim"] = fmean(judged.ssim)
        kept = kept_of(judged, self._probe.shown, self._bounds)
        return Finding(self._probe.kind, self._probe.client, self._probe.kind, found | kept)


def _distance(guess: Guess) -> float:
    """That of a guess; one that fell apart is the farthest."""
    return guess.distance if guess.distance == guess.distance else float("inf")


def start(leak: Leak, noise: torch.Generator) -> Tensor:
    """Candidates of standard normal noise, that can be differentiated by."""
    drawn = torch.randn(leak.shape, generator=noise, dtype=leak.told.dtype)
    return drawn.to(leak.told.device).requires_grad_()
