"""`fedprop certify`."""

import json
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from fedprop.cli.console import OUT
from fedprop.cli.options import DataDir

SHARES = (0.0, 0.25, 0.5, 0.75, 1.0)
"""Which parts of the largest radius are shown where none is asked for: enough to see where the curve falls."""


def certify(
    folder: Annotated[Path, typer.Argument(help="The folder of a finished run.", show_default=False)],
    radius: Annotated[
        list[float],
        typer.Option("--radius", min=0.0, help="How far each example of an attacker may move; repeatable."),
    ] = [],  # noqa: B006 - typer copies it
    attackers: Annotated[int, typer.Option(min=1, help="Clients whose data may change.")] = 1,
    share: Annotated[float, typer.Option(help="The share of their examples, in each batch, that may change.")] = 1.0,
    rounds: Annotated[int, typer.Option(min=1, help="In how many rounds.")] = 1,
    copies: Annotated[int, typer.Option(min=1, help="Noised copies of the model that vote.")] = 1000,
    alpha: Annotated[float, typer.Option(help="How likely a certificate may be wrong, for each answer.")] = 0.001,
    bound: Annotated[str, typer.Option(help="clopper_pearson or hoeffding.")] = "clopper_pearson",
    seed: Annotated[int, typer.Option(help="Of the copies' noise.")] = 0,
    data_dir: DataDir = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Certify a finished run's answers: how far attackers' data may move without changing them (CRFL)."""
    from fedprop.defenses.crfl import Certificate
    from fedprop.experiments.certify import certify as certified
    from fedprop.settings import validate

    names = {"attackers": attackers, "share": share, "rounds": rounds, "copies": copies}
    against = validate(Certificate, {**names, "alpha": alpha, "bound": bound, "seed": seed}, "the options")
    found = certified(folder, against, data_dir=data_dir)
    largest = float(found.radii.max())
    curve = {at: found.at(at) for at in radius or [part * largest for part in SHARES]}
    told = {"smoothed accuracy": found.accuracy, "abstained": float(found.abstains.double().mean())}
    if as_json:
        print(json.dumps({**told, "largest radius": largest, "certified accuracy": [*curve.items()]}))
        return
    table = Table(
        "radius", "certified accuracy", title=", ".join(f"{name} {value:.4f}" for name, value in told.items())
    )
    for at, accuracy in curve.items():
        table.add_row(f"{at:.4g}", f"{accuracy:.4f}")
    OUT.print(table)
