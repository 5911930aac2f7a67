"""What the shell says without computing anything comes without waiting for torch."""

import os
import subprocess
import sys
from importlib.metadata import version

import pytest

CODE = """
import sys
from fedprop.cli import main
try:
    main()
finally:
    print("torch" in sys.modules, file=sys.stderr)
"""


def shell(*arguments):
    """Runs the command line in a process of its own: exit code, output, and whether torch was imported."""
    command = [sys.executable, "-c", CODE, *arguments]
    done = subprocess.run(command, capture_output=True, text=True, env={**os.environ, "COLUMNS": "100"})
    *said, torch = done.stderr.splitlines()
    assert torch in ("True", "False")
    return done.returncode, done.stdout + "\n".join(said), torch == "True"


@pytest.mark.parametrize(
    ("arguments", "code", "text"),
    [
        (["--help"], 0, "Property-test a rule"),
        (["verify", "--help"], 0, "--claim"),
        (["--version"], 0, version("fedprop")),
        (["rnu"], 2, "No such command"),
        (["run"], 2, "Missing argument"),
        (["run", "nowhere.yaml"], 2, "cannot read nowhere.yaml"),
        (["run", "run.yaml", "--resume"], 2, "--resume needs --out"),
        (["run", "run.yaml", "--set", "rounds"], 2, "--set needs the form"),
    ],
)
def test_help_and_mistakes_need_no_torch(arguments, code, text):
    found, said, torch = shell(*arguments)
    assert found == code
    assert text in said
    assert not torch


def test_what_must_be_computed_imports_torch():
    assert shell("list", "aggregators")[2]
