"""Actors on a cluster of two nodes: order of answers, errors, and actors and nodes that die at work."""

import os
import threading
import time
from pathlib import Path

import pytest

from fedprop.cluster import crew as module
from fedprop.cluster.crew import RayCrew
from fedprop.errors import InvalidConfig, InvalidUpdates, RunFailed


class Tool:
    """What each actor holds."""

    def __init__(self):
        self.pid = os.getpid()


def divide(tool, item):
    return item[0] / item[1].value()


def refuse(tool, item):
    raise InvalidUpdates("`x` must be small; found 3")


def die_once(tool, mark):
    if not Path(mark).exists():
        Path(mark).touch()
        os.kill(tool.pid, 9)
    return Path(mark).name


def die(tool, item):
    os._exit(7)


def node_of(tool, folder):
    """Waits for another actor at work, and for a word."""
    (Path(folder) / f"began-{tool.pid}").touch()
    while not (Path(folder) / "go").exists():
        time.sleep(0.05)
    return tool.pid


@pytest.fixture
def make(ray, monkeypatch):
    """Makes crews whose items may kill two actors, and no more."""
    monkeypatch.setattr(module, "RETRIES", 1)
    return lambda tool=Tool: RayCrew(tool, "the tool")


def test_answers_come_in_order_and_errors_come_out(make):
    crew = make()
    half = crew.share(2.0)
    assert list(crew.map(divide, [(float(i), half) for i in range(7)])) == [i / 2 for i in range(7)]
    assert list(crew.map(divide, [])) == []
    with pytest.raises(InvalidUpdates, match=r"^`x` must be small; found 3$"):
        list(crew.map(refuse, [1]))
    assert list(crew.map(divide, [(1.0, half)])) == [0.5]


def test_an_actor_that_dies_is_replaced(make, tmp_path, monkeypatch):
    # An answer may be lost with an actor that dies over the next item at once: then its item is charged with that.
    monkeypatch.setattr(module, "RETRIES", 9)
    marks = [str(tmp_path / name) for name in "abcd"]
    assert list(make().map(die_once, marks)) == [*"abcd"]


def test_an_item_that_kills_them_all_is_told(make):
    with pytest.raises(RunFailed, match="2 actors on Ray died over the same work: ActorDiedError"):
        list(make().map(die, [1]))


def test_a_node_that_dies_takes_no_answer_along(make, cluster, tmp_path):
    killer = cluster.kill_the_second_amid(tmp_path)
    answers = list(make().map(node_of, [str(tmp_path)] * 4))
    killer.join()
    assert len(answers) == 4
    assert len({int(path.name.partition("-")[2]) for path in tmp_path.glob("began-*")} - {*answers}) == 1


def test_what_cannot_be_sent_or_made_is_told(make):
    with pytest.raises(InvalidConfig, match="the tool must be such that it can be sent to other processes: TypeError"):
        make(threading.Lock().acquire)
    with pytest.raises(RunFailed, match="actors on the Ray cluster cannot start"):
        list(make(lambda: 1 / 0).map(divide, [1]))
