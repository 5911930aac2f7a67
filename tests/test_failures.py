import re

import pytest
import torch

from fedprop.errors import FedpropError, InvalidConfig, InvalidUpdates, RunFailed
from fedprop.failures import LONGEST, blamed, in_words


def failing(what, error, **how):
    """What comes out of `blamed` when `error` is raised inside."""
    with pytest.raises(FedpropError) as caught, blamed(what, **how):
        raise error
    return caught.value


def test_a_failure_becomes_a_sentence_with_its_cause():
    found = failing("rule a failed", KeyError("x"))
    assert isinstance(found, RunFailed)
    assert re.fullmatch(r"rule a failed: KeyError: 'x' \(test_failures\.py, line \d+\)", str(found))
    assert isinstance(found.__cause__, KeyError)


def test_errors_of_our_own_speak_for_themselves():
    found = failing("attack b", InvalidUpdates("`z` must be small; found 3"), raising=InvalidConfig)
    assert (type(found), str(found)) == (InvalidConfig, "attack b: `z` must be small; found 3")


def test_some_may_pass():
    error = InvalidUpdates("no")
    assert failing("rule a", error, passing=(InvalidUpdates,)) is error


def test_code_that_ends_the_process_does_not():
    with pytest.raises(RunFailed, match=r"^rule a: SystemExit: 0"), blamed("rule a"):
        raise SystemExit(0)


def test_a_person_who_stops_the_run_does():
    with pytest.raises(KeyboardInterrupt), blamed("rule a"):
        raise KeyboardInterrupt


def test_the_line_is_that_of_the_called_code_and_not_of_the_library_it_called():
    with (
        pytest.raises(RunFailed, match=r"^rule a: _LinAlgError: .* \(test_failures\.py, line \d+\)$"),
        blamed("rule a"),
    ):
        torch.linalg.cholesky(torch.zeros(2, 2))


def test_long_words_are_cut_and_lines_are_joined():
    assert in_words(ValueError("a\n  b")) == "ValueError: a b"
    assert in_words(ValueError("x" * 1000)) == f"ValueError: {'x' * LONGEST} ..."
    assert in_words(ValueError()) == "ValueError"


def test_an_error_that_cannot_tell_its_text_is_told_all_the_same():
    class Mute(Exception):
        def __str__(self):
            raise RuntimeError

    assert in_words(Mute()) == "Mute: (its text cannot be read)"
