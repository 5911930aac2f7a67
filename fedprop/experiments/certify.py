"""Certifying the answers of a finished run that was trained by CRFL."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch import Tensor, nn

from fedprop.data import Dataset
from fedprop.defenses.crfl import Certificate, Conditions, radii, tally, votes
from fedprop.errors import InvalidConfig, StoreError
from fedprop.experiments.assembly import materials, resolve
from fedprop.experiments.covered import conditions, not_covered
from fedprop.experiments.experiment import Experiment
from fedprop.experiments.resuming import check_same, identify
from fedprop.experiments.store import RunStore
from fedprop.experiments.store.tensors import read_tensors
from fedprop.params import ParameterLayout, copy_module
from fedprop.rng import generator
from fedprop.settings import validate
from fedprop.simulation.setup import Setup
from fedprop.types import Vector


@dataclass(frozen=True, eq=False)
class Certified:
    """What is certified of the answers to a test set.

    Attributes
    ----------
    made : what the run was trained under.
    answers, labels : the smoothed answers and the right ones, int64 [n].
    abstains : where the vote is too close for an answer, Booleans [n].
    radii : how far the examples of attackers may move with the answer staying, float64 [n].
    """

    made: Conditions
    answers: Tensor
    labels: Tensor
    abstains: Tensor
    radii: Tensor

    @property
    def accuracy(self) -> float:
        """The share of answers of the smoothed model that are right, the close ones included."""
        return float((self.answers == self.labels).double().mean())

    def at(self, radius: float) -> float:
        """The certified accuracy: the share of answers that are right, and stay so if examples move by `radius`."""
        right = (self.answers == self.labels) & ~self.abstains & (self.radii >= radius)
        return float(right.double().mean())


def certify(
    folder: Path | str,
    against: Certificate = Certificate(),  # noqa: B008 - it is frozen
    *,
    data_dir: Path | str | None = None,
    dataset: Dataset | None = None,
    model: nn.Module | None = None,
) -> Certified:
    """What can be certified of a finished run's answers to its test set.

    Parameters
    ----------
    folder : where the run is kept.
    against : against whom, and how sure.
    data_dir, dataset, model : as for `fedprop.run`.

    Raises
    ------
    InvalidConfig
        If the theory does not cover the run: each reason in a line.
    StoreError
        If the folder holds no run, or an unfinished one, or a run of other data or code.
    """
    store = RunStore(folder)
    summary, settings = store.mapping("summary"), store.mapping("settings")
    if summary is None or settings is None:
        raise StoreError(f"{store.folder} holds no finished run, which alone can be certified")
    experiment = validate(Experiment, settings, str(store.folder))
    directory = None if data_dir is None else Path(data_dir)
    data, module = materials(experiment, data_dir=directory, dataset=dataset, model=model)
    setup = resolve(experiment, dataset=data, model=module)
    check_same(store, identify(experiment, setup, data, module))
    reasons = [*_unfinished(experiment, summary), *not_covered(experiment, setup), *_beyond(experiment, against)]
    if reasons:
        raise InvalidConfig("\n".join([f"nothing can be certified of {store.folder}:", *reasons]))
    made = conditions(experiment, setup, against)
    if not made.settles:
        bound = f"4 / length^2 = {4 / made.length**2:.4g} for inputs up to a length of {made.length:.4g}"
        raise InvalidConfig(f"nothing can be certified: `training.lr` must be at most {bound}; found {made.rate}")
    return _certified(setup, _finished(store, setup), made, against)


def _unfinished(experiment: Experiment, summary: Mapping[str, Any]) -> list[str]:
    """Why the last model may not be the one that is clipped and has no noise."""
    done, failed = summary.get("rounds"), summary.get("failed_rounds")
    wanted = f"`rounds`, {experiment.rounds}, must all have been played, none failed"
    return [] if (done, failed) == (experiment.rounds, 0) else [f"{wanted}; found {done}, of which {failed} failed"]


def _beyond(experiment: Experiment, against: Certificate) -> Iterator[str]:
    """More attackers or rounds than there are."""
    for name, most in (("attackers", experiment.policy.wanted(experiment.clients)), ("rounds", experiment.rounds)):
        if getattr(against, name) > most:
            yield f"`{name}` to certify against must be at most {most}; found {getattr(against, name)}"


def _finished(store: RunStore, setup: Setup) -> Vector:
    """The model [d] that a run ended with."""
    own = copy_module(setup.module)
    path = store.folder / "model.safetensors"
    try:
        own.load_state_dict(read_tensors(path))
    except RuntimeError as error:
        raise StoreError(f"{path} is not the model of the run: {error}") from None
    return ParameterLayout.of(own).flatten(own)


def _certified(setup: Setup, parameters: Vector, made: Conditions, against: Certificate) -> Certified:
    test, stream = setup.dataset.test, generator(against.seed, "certificate")
    counts = votes(setup.module, parameters, test.x, std=made.std, copies=against.copies, generator=stream)
    found = tally(counts, alpha=against.alpha / 2, bound=against.bound)
    return Certified(made, found.answer, test.y.cpu(), found.abstains, radii(found, made, against))
