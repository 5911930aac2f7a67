"""An experiment as a Flower app: a folder with `pyproject.toml`, two short modules and the experiment's file."""

import re
import shutil
import tempfile
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path
from string import Template
from typing import Any

from fedprop.errors import StoreError
from fedprop.experiments.config_file import yaml_of
from fedprop.experiments.experiment import parse_experiment
from fedprop.files import cannot_write
from fedprop.flower.exportable import SIMULATED, refuse_unexportable

EXPERIMENT = "experiment.yaml"
TEMPLATES = ("pyproject.toml", "README.md", "server_app.py", "client_app.py")
_TEXTS = Path(__file__).with_name("templates")


def export(settings: Mapping[str, Any], origin: str, folder: Path, *, overwrite: bool = False) -> tuple[str, ...]:
    """Write the app into a new folder, whole or not at all; answers which settings were left out (see `SIMULATED`).

    Parameters
    ----------
    settings : the experiment as a file has it, from `origin`.
    overwrite : whether an app that was exported to that folder before is written anew; other files in it stay.

    Raises
    ------
    InvalidConfig
        If the experiment is wrong, or one that no app can carry.
    StoreError
        If the folder exists and is not to be overwritten, or cannot be written to.
    """
    left_out = tuple(name for name in SIMULATED if name in settings)
    kept = {name: value for name, value in settings.items() if name not in left_out}
    refuse_unexportable(parse_experiment(settings, origin), kept)
    files = _files(kept, origin)
    _check(folder, overwrite)
    try:
        _write(files, folder.resolve())
    except OSError as error:
        raise cannot_write(folder, error) from None
    return left_out


def _files(settings: Mapping[str, Any], origin: str) -> dict[str, str]:
    """The app's files by name."""
    experiment = parse_experiment(settings, origin)
    known = {
        "title": experiment.name,
        "name": re.sub(r"[^a-z0-9]+", "-", experiment.name.lower()).strip("-") or "experiment",
        "version": version("fedprop"),
        "clients": experiment.clients,
        "last": experiment.clients - 1,
    }
    texts = {name: Template((_TEXTS / f"{name}.txt").read_text("utf-8")).substitute(known) for name in TEMPLATES}
    return {**texts, EXPERIMENT: yaml_of(settings)}


def _check(folder: Path, overwrite: bool) -> None:
    """Refuse a place that holds something that is not to be overwritten."""
    if not folder.exists() or (folder.is_dir() and not any(folder.iterdir())):
        return
    if not overwrite:
        raise StoreError(f"{folder} exists already; choose another folder, or write it anew with --overwrite")
    if not all((folder / name).is_file() for name in (*TEMPLATES, EXPERIMENT)):
        raise StoreError(f"{folder} must hold an app that was exported before to be overwritten; found something else")


def _write(files: Mapping[str, str], folder: Path) -> None:
    """Put the files, and what else is there, into a new folder beside it, and then that in its place."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f".{folder.name}-", dir=folder.parent) as beside:
        new, old = Path(beside, "new"), Path(beside, "old")
        if folder.exists():
            shutil.copytree(folder, new, symlinks=True)
        else:
            new.mkdir()
        for name, text in files.items():
            (new / name).write_text(text, encoding="utf-8")
        if folder.exists():
            folder.rename(old)
        new.rename(folder)
