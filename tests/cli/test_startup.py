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


def shell(*arguments, **environment):
    """Runs the command line in a process of its own: exit code, output, and whether torch was imported."""
    command = [sys.executable, "-c", CODE, *arguments]
    done = subprocess.run(command, capture_output=True, text=True, env={**os.environ, "COLUMNS": "100", **environment})
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


def test_a_wrong_variable_of_the_environment_is_refused_before_anything_runs():
    code, said, torch = shell("run", "run.yaml", FEDPROP_KERNELS="perhaps")
    assert (code, torch) == (2, False)
    assert said == "fedprop: `FEDPROP_KERNELS` must be one of large, always, never; found 'perhaps'"


def test_what_must_be_computed_imports_torch():
    assert shell("list", "aggregators")[2]


def complete(*words):
    """What the shell is offered for the last of the words, and whether torch was imported for it."""
    known = {"_FEDPROP_COMPLETE": "complete_bash", "COMP_WORDS": "\n".join(words), "COMP_CWORD": str(len(words) - 1)}
    code = f"import sys\nsys.argv = ['fedprop']\n{CODE}"
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, capture_output=True, text=True, env={**os.environ, **known}, check=False)
    return done.stdout.split(), done.stderr.split()[-1] == "True"


def test_commands_families_and_kinds_are_completed():
    assert complete("fedprop", "ver") == (["verify"], False)
    assert complete("fedprop", "list", "agg") == (["aggregators"], False)
    assert complete("fedprop", "list", "kr") == (["krum"], True)


def test_the_module_is_the_script():
    command = [sys.executable, "-m", "fedprop", "--version"]
    assert subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip() == version("fedprop")
