"""A command that runs code of others does so in a child process, and says how that ended."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from fedprop.cli import child
from fedprop.cli.child import CHANNEL, channel, needs_child, run_in_child

TO_PARENT = f"import os, faulthandler; parent = int(os.environ[{CHANNEL!r}]); "
HANGS = "faulthandler.dump_traceback_later(0.2, exit=True, file=parent)\nimport itertools\nsum(itertools.repeat(1))"


@pytest.fixture
def ends(monkeypatch, capfd):
    """Runs code in place of the command: the status, and what there is on stderr."""

    def call(code=child.AGAIN, *arguments):
        monkeypatch.setattr(child, "AGAIN", code)
        monkeypatch.setattr(sys, "argv", ["fedprop", *arguments])
        monkeypatch.delenv(CHANNEL, raising=False)
        return run_in_child("rule.py:rule"), " ".join(capfd.readouterr().err.split())

    return call


def test_a_child_that_ends_in_order_has_the_last_word(ends, capfd):
    assert ends(child.AGAIN, "--version") == (0, "")
    status, said = ends(child.AGAIN, "rnu")
    assert status == 2
    assert "No such command" in said


@pytest.mark.parametrize(
    ("code", "told"),
    [
        ("import os; os._exit(0)", "rule.py:rule ended Python with status 0, before there was a report"),
        ("import os; os._exit(3)", "rule.py:rule ended Python with status 3, before there was a report"),
        ("import os; os.kill(os.getpid(), 9)", "rule.py:rule was ended by SIGKILL, as a crash"),
        (TO_PARENT + "faulthandler.enable(parent); faulthandler._sigsegv()", 'by SIGSEGV at "<string>", line 1'),
        (TO_PARENT + HANGS, 'did not answer, could not be interrupted at "<string>", line 3 in <module>, and was'),
    ],
)
def test_a_child_that_is_gone_without_a_word_is_a_failure(ends, code, told):
    status, said = ends(code)
    assert status == 1
    assert said.startswith("fedprop: ")
    assert told in said


LINGERS = """
import sys
sys.path[:] = {path!r}
import fedprop.cli, threading, time
from fedprop.cli.child import go_on
fedprop.cli.main = lambda: threading.Thread(target=time.sleep, args=(600,)).start()
go_on()
"""


def test_what_the_code_of_others_left_running_is_not_waited_for(ends):
    assert ends(LINGERS) == (0, "")


def test_only_a_parent_needs_a_child(monkeypatch):
    monkeypatch.delenv(CHANNEL)
    assert needs_child()
    assert channel() is None
    monkeypatch.setenv(CHANNEL, "7")
    assert not needs_child()
    assert channel() == 7


def test_a_target_that_ends_python_fails(monkeypatch):
    Path("leaves.py").write_text("import os\nprint('here')\nos._exit(0)\n")
    command = [sys.executable, "-c", "from fedprop.cli import main; main()", "verify", "leaves.py:rule", "--json"]
    environment = {name: value for name, value in os.environ.items() if name != CHANNEL}
    done = subprocess.run(command, capture_output=True, text=True, env=environment, timeout=120)
    assert (done.returncode, done.stdout) == (1, "")
    assert "leaves.py:rule ended Python with status 0" in done.stderr
