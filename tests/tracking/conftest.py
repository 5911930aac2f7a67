import pytest

from fedprop import Experiment, run
from fedprop.experiments.store import RunStore
from fedprop.experiments.tracking import Tracking, numbers_of


@pytest.fixture(scope="session")
def experiment():
    return Experiment(
        name="small run",
        rounds=2,
        clients=5,
        data="digits",
        model="logistic_regression",
        attack={"kind": "sign_flip", "share": 0.2},
        metrics=["f1"],
    )


@pytest.fixture
def tracked(experiment, tmp_path):
    """Runs it under a tracker with one picture: the numbers of each round, as they must be found again."""

    def call(tracker, png):
        with Tracking(tracker, experiment, tmp_path) as tracking:
            run(experiment, out=tmp_path / "run", watchers=[tracking])
            tracking.pictures([("dot", png)])
        store = RunStore(tmp_path / "run")
        return [numbers_of(record, store.compromised) for record in store.rounds()]

    return call


@pytest.fixture
def png():
    """Two red points."""
    from io import BytesIO

    import numpy as np
    from matplotlib.image import imsave

    buffer = BytesIO()
    imsave(buffer, np.array([[[255, 0, 0], [255, 0, 0]]], dtype=np.uint8), format="png")
    return buffer.getvalue()
