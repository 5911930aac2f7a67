"""`fedprop list`."""

from enum import StrEnum
from typing import Annotated

import typer
from rich.table import Table

from fedprop.cli.console import OUT


class Family(StrEnum):
    """What `fedprop list` can list."""

    AGGREGATORS = "aggregators"
    STAGES = "stages"
    PROTOCOLS = "protocols"
    ATTACKS = "attacks"
    DATASETS = "datasets"
    PARTITIONS = "partitions"
    MODELS = "models"
    POLICIES = "policies"
    OPTIMIZERS = "optimizers"
    LR_SCHEDULES = "lr_schedules"
    METRICS = "metrics"


def list_kinds(family: Annotated[Family, typer.Argument(help="What to list.", show_default=False)]) -> None:
    """List what a configuration can name."""
    from fedprop.catalogue import kinds

    table = Table("kind", "settings", "what it is")
    for name, cls in kinds(family.value).items():
        fields = ", ".join(f for f in cls.model_fields if f != "kind")
        table.add_row(name, fields, (cls.__doc__ or "").strip().split("\n")[0])
    OUT.print(table)
