"""MLflow."""

import json
import time
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, ClassVar, Literal

from fedprop.tracking.base import Track, Tracker, flat, identity_of
from fedprop.types import Round

LONGEST = 6000
"""Most characters of a parameter that MLflow takes."""

TAG = "fedprop.identity"
"""The tag by which a run that is told again is found."""


class MLflow(Tracker):
    """A run of an MLflow experiment: settings as parameters, numbers as metrics, pictures; with the extra `mlflow`.

    A run that is told again, of the same name and settings and from the same folder of the same machine, takes the
    place of what was told: that goes where MLflow keeps deleted runs.

    Attributes
    ----------
    uri : the tracking server or database; None for the file `mlflow.db` beside the run or sweep, which
        `mlflow ui --backend-store-uri sqlite:///FOLDER/mlflow.db` shows.
    experiment : the MLflow experiment that the run belongs to, made if there is none.
    """

    module: ClassVar[str] = "mlflow"

    kind: Literal["mlflow"] = "mlflow"
    uri: str | None = None
    experiment: str = "fedprop"

    def open(self, name: str, config: Mapping[str, Any], folder: Path) -> Track:
        from mlflow import MlflowClient
        from mlflow.entities import Param

        client = MlflowClient(self.uri or f"sqlite:///{(folder / 'mlflow.db').absolute()}")
        found = client.get_experiment_by_name(self.experiment)
        where = None if self.uri else (folder / "mlflow-artifacts").absolute().as_uri()
        own = client.create_experiment(self.experiment, where) if found is None else found.experiment_id
        identity = identity_of(name, config, folder)
        told = client.search_runs([own], filter_string=f"tags.`{TAG}` = '{identity}'")
        run = client.create_run(own, tags={TAG: identity}, run_name=name).info.run_id
        for earlier in told:
            client.delete_run(earlier.info.run_id)
        client.log_batch(run, params=[Param(key, str(value)[:LONGEST]) for key, value in flat(config).items()])
        client.log_text(run, json.dumps(dict(config), indent=1), "config.json")
        return _Track(client, run)


class _Track(Track):
    def __init__(self, client: Any, run: str) -> None:
        self._client = client
        self._run = run

    def numbers(self, round: Round, values: Mapping[str, float]) -> None:
        from mlflow.entities import Metric

        moment = int(time.time() * 1000)
        self._client.log_batch(self._run, [Metric(name, value, moment, round) for name, value in values.items()])

    def picture(self, name: str, png: bytes) -> None:
        with TemporaryDirectory() as folder:
            file = Path(folder, f"{name}.png")
            file.write_bytes(png)
            self._client.log_artifact(self._run, str(file), "pictures")

    def end(self, failure: str = "") -> None:
        if failure:
            self._client.set_tag(self._run, "failure", failure)
        self._client.set_terminated(self._run, "FAILED" if failure else "FINISHED")
