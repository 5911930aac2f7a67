"""`fedprop schema`."""

import json
from typing import Annotated

import typer


def schema(
    kind: Annotated[
        str, typer.Argument(help="experiment or sweep", autocompletion=lambda: ["experiment", "sweep"])
    ] = "experiment",
) -> None:
    """Print the JSON schema of a configuration file."""
    from pydantic import BaseModel

    from fedprop.errors import InvalidConfig
    from fedprop.experiments.experiment import Experiment
    from fedprop.experiments.sweep import Sweep
    from fedprop.settings import meant

    models: dict[str, type[BaseModel]] = {"experiment": Experiment, "sweep": Sweep}
    if kind not in models:
        raise InvalidConfig(f"`kind` must be one of {', '.join(models)}; found {kind!r}{meant(kind, models)}")
    print(json.dumps(models[kind].model_json_schema(), indent=1))
