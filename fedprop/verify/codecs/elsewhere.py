"""A codec in another process, where texts have other hashes: what follows their order there is another vector."""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

import torch

from fedprop.properties import Finding
from fedprop.registry import load_target
from fedprop.verify.codecs import checks
from fedprop.verify.codecs.modules import PARTS, Blueprint, same_numbers

MODULES = (*(Blueprint((part,)) for part in PARTS), Blueprint(tuple(PARTS)))
"""What is flattened there, the small modules first."""

WAIT = 90.0
"""Seconds of real time for it: importing torch takes most of them, on a busy machine ten times as long."""

START = "import sys; sys.path[:] = {path!r}; from fedprop.verify.codecs.elsewhere import answer; answer(*sys.argv[1:])"


def unreachable(obj: Any, label: str, settings: Mapping[str, Any]) -> str:
    """Why another process cannot be asked about a codec; empty if it can.

    It is asked at once, since the time for one trial of a claim need not be enough to start a process.
    """
    try:
        told = json.dumps(dict(settings))
        found = load_target(label)
    except Exception:
        found = None
    if found is not obj:
        return "another process cannot import it"
    answers = vectors(obj, label, told)
    return answers if isinstance(answers, str) else ""


@lru_cache(maxsize=1)
def vectors(obj: Any, label: str, settings: str) -> list[list[float] | str] | str:
    """The vectors that another process makes of `MODULES`, or why it does not; a text if there is no such process.

    It is asked once, about all of them, as long as `obj` is what `label` names.
    """
    hashes = "2" if os.environ.get("PYTHONHASHSEED") == "1" else "1"
    with tempfile.TemporaryDirectory() as folder:
        answers = Path(folder) / "answers.json"
        command = [sys.executable, "-c", START.format(path=sys.path), label, settings, str(answers)]
        environment = {**os.environ, "PYTHONHASHSEED": hashes}
        try:
            subprocess.run(command, env=environment, timeout=WAIT, check=True, capture_output=True)  # noqa: S603
        except (subprocess.SubprocessError, OSError) as error:
            return f"another process was not ready: {type(error).__name__}"
        found: list[list[float] | str] = json.loads(answers.read_text())
    return found


def answer(label: str, settings: str, place: str) -> None:
    """What the other process does: write its answers to a file."""
    make = checks.maker(load_target(label), json.loads(settings))
    Path(place).write_text(json.dumps([_vector(make, module) for module in MODULES]))


def _vector(make: checks.Make, blueprint: Blueprint) -> list[float] | str:
    try:
        vector: list[float] = checks.flat(make, blueprint.build(1)).detach().double().tolist()
    except Exception as error:
        return str(error)
    return vector


def differs(
    obj: Any, label: str, settings: Mapping[str, Any], make: checks.Make, blueprint: Blueprint
) -> Finding | None:
    """Whether another process, which can be asked, makes another vector of one of `MODULES`."""
    vector = checks.flat(make, blueprint.build(1)).detach().double()
    there = vectors(obj, label, json.dumps(dict(settings)))[MODULES.index(blueprint)]
    if isinstance(there, str):
        return Finding(there, how="in another process")
    found = torch.tensor(there, dtype=torch.float64)
    same = found.shape == vector.shape and same_numbers(found, vector)
    return None if same else Finding(found, vector, how="in another process, where texts have other hashes")
