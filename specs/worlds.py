"""Small worlds for the specs of the simulator."""

from collections.abc import Callable, Iterable

import torch
from hypothesis import strategies as st

from fedprop.data import Dataset
from fedprop.experiments.assembly import resolve
from fedprop.experiments.experiment import Experiment
from fedprop.simulation.engine import Outcome, Snapshot, simulate
from fedprop.simulation.events import Event, RoundRecord
from fedprop.simulation.setup import Setup


class Log:
    """Keeps every event, and optionally the snapshot after one round."""

    def __init__(self, snapshot_after: int | None = None) -> None:
        self.events: list[Event] = []
        self.snapshot: Snapshot | None = None
        self.earlier: tuple[RoundRecord, ...] = ()
        self._after = snapshot_after
        self._rounds: list[RoundRecord] = []

    def on_event(self, event: Event) -> None:
        self.events.append(event)

    def on_round(self, record: RoundRecord, snapshot: Callable[[], Snapshot]) -> None:
        self._rounds.append(record)
        if record.round == self._after:
            self.snapshot, self.earlier = snapshot(), tuple(self._rounds)


def toy_dataset(clients: int, *, seed: int = 0) -> Dataset:
    """Two classes in the plane, a few examples for each client."""
    draw = torch.Generator().manual_seed(seed)
    y = torch.arange(6 * clients) % 2
    x = torch.randn(len(y), 2, generator=draw) + 2.0 * y[:, None]
    return Dataset.from_arrays("toy", x, y, x[:20], y[:20], classes=2)


def setup_of(experiment: Experiment) -> Setup:
    """An experiment on the toy data, resolved."""
    return resolve(experiment, dataset=toy_dataset(experiment.clients))


def run(experiment: Experiment, log: Log | None = None) -> tuple[Outcome, list[Event]]:
    """Run an experiment on the toy data; its outcome and its events."""
    log = Log() if log is None else log
    return simulate(setup_of(experiment), log), log.events


def _policies() -> st.SearchStrategy[dict[str, object]]:
    synchronous = st.fixed_dictionaries(
        {
            "kind": st.just("synchronous"),
            "cohort": st.integers(2, 5),
            "over_selection": st.sampled_from([1.0, 1.5]),
            "deadline": st.sampled_from([1.5, 5.0, 40.0]),
            "min_updates": st.integers(1, 2),
        }
    )
    staleness = st.sampled_from([{"kind": "constant"}, {"kind": "polynomial", "a": 0.5}, {"kind": "hinge"}])
    shared = {
        "concurrency": st.integers(1, 6),
        "timeout": st.sampled_from([2.0, 30.0]),
        "max_staleness": st.sampled_from([None, 0, 3]),
        "staleness": staleness,
    }
    fedbuff = st.fixed_dictionaries({"kind": st.just("fedbuff"), "buffer": st.integers(1, 4), **shared})
    fedasync = st.fixed_dictionaries({"kind": st.just("fedasync"), **shared})
    return st.one_of(synchronous, fedbuff, fedasync)


def experiments(kinds: Iterable[str] = ("synchronous", "fedbuff", "fedasync")) -> st.SearchStrategy[Experiment]:
    """Short runs of six clients under any policy, with every fault there is."""
    allowed = set(kinds)
    times = st.sampled_from(
        [1.0, {"kind": "lognormal", "median": 1, "sigma": 1}, {"kind": "pareto", "minimum": 0.5, "alpha": 1.5}]
    )
    chance = st.sampled_from([0.0, 0.2])
    outages = st.sampled_from([None, {"up": {"kind": "exponential", "mean": 5}, "down": 2}])
    return st.builds(
        lambda seed, policy, time, loss, duplicate, reorder, dropout, outages, attack: Experiment(
            seed=seed,
            rounds=4,
            clients=6,
            model="logistic_regression",
            training={"lr": 0.1, "batch_size": 4, "epochs": 1},
            policy=policy,
            compute={"time": time, "speed": {"kind": "lognormal", "median": 1, "sigma": 0.5}},
            network={"latency": 0.1, "loss": loss, "duplicate": duplicate, "reorder": reorder},
            faults={"dropout": dropout, "outages": outages},
            attack=attack,
        ),
        seed=st.integers(0, 1000),
        policy=_policies().filter(lambda p: p["kind"] in allowed),
        time=times,
        loss=chance,
        duplicate=chance,
        reorder=chance,
        dropout=chance,
        outages=outages,
        attack=st.sampled_from(
            [{"kind": "none"}, {"kind": "sign_flip", "share": 0.4}, {"kind": "gaussian", "share": 0.4}]
        ),
    )
