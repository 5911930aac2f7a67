"""`--track`: with a tracker of one's own, which writes a line for each thing it is told."""

from pathlib import Path

import pytest

LINES = """
from typing import Literal

from fedprop.tracking import Track, Tracker


class Written(Track):
    def __init__(self, file, name):
        self.file = file
        self.say("begin " + name)

    def say(self, line):
        with open(self.file, "a") as page:
            page.write(line + "\\n")

    def numbers(self, round, values):
        self.say(f"round {round} {values['accepted']:.0f}")

    def picture(self, name, png):
        self.say(f"picture {name} {png[:4]!r}")

    def end(self, failure=""):
        self.say("end " + failure)


class Lines(Tracker):
    kind: Literal["lines"] = "lines"
    file: str = "lines.txt"

    def open(self, name, config, folder):
        return Written(self.file, name)
"""


@pytest.fixture(autouse=True)
def _own_tracker():
    Path("own.py").write_text(LINES)


def lines(file="lines.txt"):
    return Path(file).read_text().splitlines()


def test_a_run_is_tracked_with_its_pictures(fedprop):
    code, _, err = fedprop("run", "run.yaml", "--out", "out", "--track", "own.py:Lines")
    assert code == 0, err
    begin, *middle, end = lines()
    assert (begin, end) == ("begin small run", "end ")
    assert [line.split()[:2] for line in middle[:3]] == [["round", "0"], ["round", "1"], ["round", "2"]]
    assert {line for line in middle if line.startswith("picture")} >= {"picture accuracy_by_round b'\\x89PNG'"}


def test_a_folder_is_tracked_afterwards(fedprop):
    fedprop("run", "run.yaml", "--out", "out", "--json")
    code, _, err = fedprop("report", "out", "--track", "{kind: 'own.py:Lines', file: later.txt}")
    assert code == 0, err
    assert lines("later.txt")[0] == "begin small run"
    assert "round 2" in "\n".join(lines("later.txt"))


def test_each_run_of_a_sweep_is_tracked_by_name(fedprop):
    code, _, err = fedprop("sweep", "sweep.yaml", "--out", "out", "--jobs", 1, "--track", "own.py:Lines", "--json")
    assert code == 0, err
    begun = [line for line in lines() if line.startswith("begin")]
    assert begun[0] == "begin small sweep: Mean, Nobody, seed 0"
    assert len(begun) == 4
    assert sum(line.startswith("end") for line in lines()) == 4


def test_a_tracker_that_does_not_exist_is_told_before_anything_runs(fedprop):
    code, _, err = fedprop("run", "run.yaml", "--out", "out", "--track", "tensorbord")
    assert code == 2
    assert "tensorboard" in err
    assert not Path("out").exists()
