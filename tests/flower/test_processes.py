"""Processes that are gone when the block that started them is, however it ends."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from fedprop.flower.guard import tagged
from fedprop.flower.processes import Processes, free_ports

ASLEEP = "import time; print('here', flush=True); time.sleep(600)"
FLED = f"import subprocess, sys; subprocess.Popen([sys.executable, '-c', {ASLEEP!r}], start_new_session=True).wait()"
"""A process whose child, in a session of its own, outlives it."""

needs_proc = pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="needs /proc")


def test_lines_arrive_with_their_process_and_signals_reach_it(tmp_path):
    with Processes(os.environ, tmp_path) as processes:
        processes.start("a", [sys.executable, "-c", ASLEEP])
        line = processes.lines.get(timeout=60)
        assert (line.process, line.text) == ("a", "here")
        assert processes.ended("a") is None
        processes.signal("a", signal.SIGTERM)
        for _ in range(600):
            if processes.ended("a") is not None:
                break
            time.sleep(0.1)
        assert processes.ended("a") == -signal.SIGTERM
        processes.signal("a", signal.SIGKILL)  # it is gone, and that is fine


@needs_proc
def test_children_that_fled_into_a_session_of_their_own_are_ended_too(tmp_path):
    def fail(processes):
        processes.start("a", [sys.executable, "-c", FLED])
        processes.lines.get(timeout=60)
        assert len([*tagged(processes.tag)]) == 2
        raise KeyError

    with pytest.raises(KeyError), Processes(os.environ, tmp_path) as processes:
        fail(processes)
    assert [*tagged(processes.tag)] == []


DRIVER = f"""
import os, sys
from pathlib import Path
from fedprop.flower.processes import Processes

with Processes(os.environ, Path(".")) as processes:
    processes.start("a", [sys.executable, "-c", {FLED!r}])
    processes.lines.get(timeout=60)
    print(processes.tag, flush=True)
    sys.stdin.read()
"""


@needs_proc
def test_even_if_the_process_that_started_them_is_killed(tmp_path):
    with subprocess.Popen(
        [sys.executable, "-c", DRIVER], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=tmp_path
    ) as driver:
        tag = driver.stdout.readline().strip()
        assert [*tagged(tag)] != []
        driver.kill()
    for _ in range(600):
        if not [*tagged(tag)]:
            break
        time.sleep(0.1)
    assert [*tagged(tag)] == []


def test_free_ports_are_different():
    assert len(set(free_ports(20))) == 20
