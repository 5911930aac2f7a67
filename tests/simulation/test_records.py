import copy
import gc
import math
import pickle
from dataclasses import replace

import pytest

from fedprop.defenses import Ruling
from fedprop.privacy import Inference, finding_of
from fedprop.simulation import records
from fedprop.simulation.events import RoundRecord
from fedprop.simulation.records import RoundLog, from_text, to_text

INFERENCE = Inference((0.0, 1 / 3, 1.0), (0.0, 2 / 3, 1.0), (math.inf, 0.1, -5.0), 0.6, 1 / 3)
RULING = Ruling("divergent", {3: "malicious"}, True, {3: 1.0}, {3: 0.5}, {3: 1.5, 4: 0.0}, (3,))


def record(number):
    return RoundRecord(number, number, 1.5, 0.2, accepted=3, rejected=1, weights={0: 1 / 3, 7: 5e-324})


FULL = replace(
    record(0),
    loss=math.inf,
    failure="`f` must be smaller, größer",
    findings=(finding_of(None, "threshold", INFERENCE), finding_of(3, "threshold", INFERENCE)),
    ruling=RULING,
    last=True,
)


def test_a_record_comes_back_as_it_was():
    assert from_text(to_text(FULL)) == FULL
    assert "\n" not in to_text(FULL)


def test_a_loss_that_is_no_number_comes_back_too():
    assert math.isnan(from_text(to_text(replace(FULL, loss=math.nan))).loss)


@pytest.mark.parametrize("text", ["", "{}", "[]", to_text(FULL).replace("1.5", '"1.5"'), to_text(FULL)[:-1]])
def test_what_is_no_record_is_refused(text):
    with pytest.raises(ValueError, match="RoundRecord"):
        from_text(text)


@pytest.fixture(params=[1, 2**18], ids=["in a file", "in memory"])
def log(request, monkeypatch):
    monkeypatch.setattr(records, "HELD", request.param)
    return RoundLog(map(record, range(5)))


def test_a_log_is_a_sequence_of_its_records(log):
    wanted = tuple(map(record, range(5)))
    assert (len(log), log[0], log[-1], log[1:4:2], log[::-1]) == (5, record(0), record(4), wanted[1:4:2], wanted[::-1])
    assert (log == wanted, wanted == log, log == wanted[:4], log == 5) == (True, True, False, False)
    assert list(reversed(log)) == [*wanted[::-1]]
    for wrong in (5, -6):
        with pytest.raises(IndexError):
            log[wrong]


def test_a_log_grows_and_may_be_read_in_between(log):
    for number in range(5, 8):
        assert log[0] == record(0)
        log.append(record(number))
    assert log == tuple(map(record, range(8)))


def test_copies_hold_the_same_records_and_go_their_own_ways(log):
    for twin in (copy.deepcopy(log), pickle.loads(pickle.dumps(log))):
        twin.append(record(5))
        assert (len(log), len(twin), twin[5]) == (5, 6, record(5))


def test_its_file_is_closed_with_it():
    log = RoundLog([record(0)])
    file = log._file
    del log
    gc.collect()
    assert file.closed
