"""Jobs on a cluster of two nodes: what they answer, and what becomes of those whose worker or node dies."""

import os
import time
from pathlib import Path

from fedprop.cluster import tasks
from fedprop.cluster.tasks import Lost, work

DIES_ONCE = "not __import__('pathlib').Path({!r}).exists() and [open({!r}, 'w'), __import__('os').kill({}, 9)] or 42"


def test_a_job_whose_worker_dies_is_begun_anew_and_one_that_fails_is_not(ray, tmp_path, monkeypatch):
    monkeypatch.setattr(tasks, "RETRIES", 1)
    mark = str(tmp_path / "died")
    dies = DIES_ONCE.format(mark, mark, "__import__('os').getpid()")
    answers = dict(work(ray, eval, ["6 * 7", dies, "1 / 0", "__import__('os')._exit(3)"]))
    assert (answers[0], answers[1], Path(mark).exists()) == (42, 42, True)
    assert (type(answers[2]), str(answers[2])) == (Lost, "ZeroDivisionError: division by zero")
    assert str(answers[3]).startswith("its worker or node on Ray died 2 times: WorkerCrashedError")


def test_so_many_jobs_at_a_time_and_none_after_the_caller_stops_asking(ray, tmp_path):
    job = f"[open({str(tmp_path)!r} + '/' + str(__import__('os').getpid()), 'w'), __import__('time').sleep({{}})]"
    told = work(ray, eval, [job.format(0), job.format(60), job.format(60)], most=1)
    assert next(told)[0] == 0
    told.close()
    for pid in map(int, os.listdir(tmp_path)):
        for _ in range(100):
            if not Path(f"/proc/{pid}").exists() or b"sleep" not in Path(f"/proc/{pid}/cmdline").read_bytes():
                break
            time.sleep(0.1)
    assert len(os.listdir(tmp_path)) <= 2


def test_a_job_that_needs_a_gpu_where_there_is_none_says_so(ray):
    assert [str(answer) for _, answer in work(ray, eval, ["1"], gpus=lambda job: 1)] == [
        "it needs a GPU, and the Ray cluster has none"
    ]


def wait_for_company(folder):
    """A job that waits until another one is under way, and then for a word that it may end."""
    place = Path(folder)
    (place / f"began-{os.getpid()}").touch()
    while not (place / "go").exists():
        time.sleep(0.05)
    return os.getpid()


def test_a_node_that_dies_costs_a_second_try_and_no_answer(ray, cluster, tmp_path):
    killer = cluster.kill_the_second_amid(tmp_path)
    answers = dict(work(ray, wait_for_company, [str(tmp_path)] * 2))
    killer.join()
    assert sorted(answers) == [0, 1]
    assert not [answer for answer in answers.values() if isinstance(answer, Lost)]
    began = {int(path.name.partition("-")[2]) for path in tmp_path.glob("began-*")}
    assert len(began - {*answers.values()}) == 1
