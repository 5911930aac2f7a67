"""fedprop: defend federated learning, and prove that the defense does what it says.

Levels, each importing only from those below (a test enforces it):

    L0  errors, failures, answers, forms, settings    what can go wrong, and settings that say so
        types, params, rng, registry, apart        words everybody shares
        draws, cores, files, folders, cluster      what a seed decides; what is written whole; a Ray cluster
        kernels                                    inner loops of rules, compiled where Numba is installed
    L1  aggregators, attacks, oracles, data, models, metrics, tasks    pure definitions
        tracking                                       TensorBoard and its like, where numbers may go
        messages, authentication, clock, distributions, network    the protocol and the world it runs in
    L2  training, privacy, defenses, properties        local training; leaks; rounds; checks that attack every claim
    L3  simulation                                     server, clients, adversary as async actors on a virtual clock
    L4  experiments, report                            one YAML file, one run, one folder, one page
        verify                                         the smallest input that breaks a claim
    L5  cli, pytest_plugin, bench, flower              whoever calls the rest, and Flower around it
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from fedprop.aggregators.catalogue import *
    from fedprop.attacks.catalogue import *
    from fedprop.data import Dataset as Dataset
    from fedprop.defenses.catalogue import *
    from fedprop.experiments.experiment import Experiment as Experiment
    from fedprop.experiments.experiment import load_experiment as load_experiment
    from fedprop.experiments.runner import Observer as Observer
    from fedprop.experiments.runner import run as run

_ROOMS = ("aggregators", "attacks", "data", "defenses")

_CATALOGUES = ("aggregators.catalogue", "attacks.catalogue", "defenses.catalogue")
"""All that these list is offered here."""

_HOMES = {
    "Dataset": "data",
    "Experiment": "experiments.experiment",
    "Observer": "experiments.runner",
    "load_experiment": "experiments.experiment",
    "run": "experiments.runner",
}
"""What else is offered here, and where it lives."""


def __getattr__(name: str) -> object:
    """Import a name when it is first used, so that a command that computes nothing never waits for torch."""
    if name == "__all__":
        return sorted({*_HOMES, *(kind for home in _CATALOGUES for kind in _offered(home))})
    if name == "__version__":
        return import_module("importlib.metadata").version("fedprop")
    if name in _ROOMS:
        return import_module(f"fedprop.{name}")
    for home in _CATALOGUES if not name.startswith("_") and name not in _HOMES else ():
        if name in _offered(home):
            return _offered(home)[name]
    if name in _HOMES:
        return getattr(import_module(f"fedprop.{_HOMES[name]}"), name)
    raise AttributeError(f"module 'fedprop' has no attribute {name!r}")


def _offered(catalogue: str) -> dict[str, object]:
    found = vars(import_module(f"fedprop.{catalogue}"))
    return {name: value for name, value in found.items() if not name.startswith("_")}
