"""`fedprop list`."""

from enum import StrEnum
from typing import Annotated, Any

import typer
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from fedprop.cli.console import OUT


class Family(StrEnum):
    """What `fedprop list` can list."""

    AGGREGATORS = "aggregators"
    STAGES = "stages"
    POSTPROCESSORS = "postprocessors"
    PROTOCOLS = "protocols"
    ATTACKS = "attacks"
    BACKDOORS = "backdoors"
    DATASETS = "datasets"
    ENCODINGS = "encodings"
    PARTITIONS = "partitions"
    MODELS = "models"
    POLICIES = "policies"
    OPTIMIZERS = "optimizers"
    LR_SCHEDULES = "lr_schedules"
    METRICS = "metrics"
    PROBES = "probes"
    TASKS = "tasks"
    DISTRIBUTIONS = "distributions"
    STALENESSES = "stalenesses"
    TRACKERS = "trackers"


def _complete(incomplete: str) -> list[str]:
    """Families at once; kinds, which cost the import of all that has one, only where no family fits."""
    families = [family.value for family in Family if family.value.startswith(incomplete)]
    if families:
        return families
    from fedprop.experiments.catalogue import families as listed

    return [kind for classes in listed().values() for kind in classes if kind.startswith(incomplete)]


def list_kinds(
    name: Annotated[
        str,
        typer.Argument(
            help=f"A family ({', '.join(Family)}), a kind such as krum, or a setting such as training.",
            show_default=False,
            metavar="FAMILY or KIND",
            autocompletion=_complete,
        ),
    ],
) -> None:
    """List what a configuration can name: the kinds of a family, or the settings of a kind."""
    from fedprop.experiments.catalogue import find

    if name in list(Family):
        _show_family(name)
    else:
        for what, cls in find(name).items():
            _show_kind(name, what, cls)


def _show_family(name: str) -> None:
    from fedprop.experiments.catalogue import kinds, refused, told_of
    from fedprop.settings import settings_of, summary_of

    for kind, cls in kinds(name).items():
        names = ", ".join(setting.name for setting in settings_of(cls))
        told = told_of(name, cls)
        source = told.pop("source")
        facts = "; ".join(f"{heading} {fact}" for heading, fact in told.items() if fact)
        OUT.print(Text(f"{kind} ({names})" if names else kind, style="bold"))
        for line in (summary_of(cls), facts, source):
            if line:
                OUT.print(Padding(Text(line), (0, 0, 0, 4)))
    for kind, reason in refused(name).items():
        OUT.print(Text(f"{kind}: another package offers it, and it cannot be used: {reason}", style="red"))


def _show_kind(name: str, what: str, cls: Any) -> None:
    from fedprop.settings import parts_of, settings_of, summary_of

    OUT.print(f"{name} ({what}): {summary_of(cls)}", highlight=False, markup=False)
    table = Table("setting", "type", "default", "what it is")
    for setting in settings_of(cls):
        table.add_row(*map(Text, (setting.name, setting.type, setting.default, setting.meaning)))
    OUT.print(table if table.rows else "It has no settings.")
    if inside := sorted({part.__name__ for part in parts_of(cls) if "kind" not in part.model_fields}):
        OUT.print(f"See also: {', '.join(f'fedprop list {part}' for part in inside)}", highlight=False)
