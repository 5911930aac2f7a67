"""Processes that do jobs: what they answer, how they die, and that none is left behind."""

import os
import signal
import subprocess
import sys
import time

import pytest

from fedprop.experiments.processes import Died, work

pytestmark = pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="needs SIGKILL")


def test_a_process_that_dies_is_the_answer_to_its_own_job_only():
    jobs = ["6 * 7", "__import__('os')._exit(3)", "__import__('os').kill(__import__('os').getpid(), 9)", "'x' * 3"]
    answers = dict(work(eval, jobs, 2))
    assert (answers[0], answers[3]) == (42, "xxx")
    assert str(answers[1]) == "its process ended itself with exit status 3"
    assert str(answers[2]) == ("its process was ended by SIGKILL, perhaps for want of memory: try fewer --jobs")
    assert isinstance(answers[2], Died)


def test_what_a_job_leaves_in_cycles_is_gone_before_the_next():
    cycles = "[x.append(x) for x in [[] for _ in range(500)]] and None"
    answers = dict(work(eval, [cycles, "__import__('gc').collect()"] * 2, 1))
    assert max(answers[1], answers[3]) < 500


ORPHANED = """
import os, sys, time
from fedprop.experiments.processes import work

if __name__ == "__main__":
    told = work(eval, ["__import__('os').getpid()", "__import__('time').sleep(600)"], 1)
    print(next(told)[1], flush=True)
    next(told)
"""


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT])
def test_workers_end_with_the_process_that_started_them(tmp_path, number):
    script = tmp_path / "orphaned.py"
    script.write_text(ORPHANED)
    with subprocess.Popen(
        [sys.executable, script], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as started:
        worker = int(started.stdout.readline())
        os.kill(worker, 0)
        started.send_signal(number)
    for _ in range(200):
        try:
            os.kill(worker, 0)
        except ProcessLookupError:
            return
        time.sleep(0.1)
    pytest.fail("the worker outlived its parent")
