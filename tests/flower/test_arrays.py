"""Models as arrays by name: into one vector and back, and what does not fit."""

import numpy as np
import pytest
import torch

from fedprop.errors import InvalidConfig
from fedprop.flower.arrays import ArrayLayout
from fedprop.messages import Reason

MODEL = {
    "weight": np.array([[1.5, -2.0]], dtype=np.float32),
    "steps": np.array(7, dtype=np.int64),
    "on": np.array([True, False]),
}
LAYOUT = ArrayLayout.of(MODEL)


def test_there_and_back_and_whole_numbers_are_rounded_into_their_range():
    assert LAYOUT.flatten(MODEL).tolist() == [1.5, -2.0, 7.0, 1.0, 0.0]
    assert LAYOUT.dtype == torch.float32
    back = LAYOUT.arrays(torch.tensor([0.25, 3.0, 7.6, -3.0, 2.0]))
    assert [(name, array.dtype, array.tolist()) for name, array in back.items()] == [
        ("weight", np.dtype("float32"), [[0.25, 3.0]]),
        ("steps", np.dtype("int64"), 8),
        ("on", np.dtype("bool"), [False, True]),
    ]


def test_a_whole_number_too_large_for_its_floats_keeps_its_sign():
    """float32 tells whole numbers up to 2^24 from each other; 2^63 would be the least of 64 bits."""
    found = LAYOUT.arrays(torch.tensor([0.0, 0.0, 2.0**63, 0.0, 0.0]))["steps"]
    assert (found.dtype, int(found)) == (np.dtype("int64"), 2**24)


def test_wide_floats_lose_nothing():
    wide = {"a": np.array([1 + 2**-40]), "b": np.array([1.0], dtype=np.float16)}
    layout = ArrayLayout.of(wide)
    assert layout.dtype == torch.float64
    assert layout.arrays(layout.flatten(wide))["a"].tolist() == wide["a"].tolist()


def test_why_arrays_are_refused():
    nan = np.array([[np.nan, 0.0]], dtype=np.float32)
    changes = {
        Reason.MALFORMED: {"other": np.zeros(1)},
        Reason.WRONG_SHAPE: {"weight": MODEL["weight"][0]},
        Reason.WRONG_DTYPE: {"weight": MODEL["weight"].astype(np.float64)},
        Reason.NOT_FINITE: {"weight": nan},
    }
    assert [LAYOUT.refusal({**MODEL, **change}) for change in changes.values()] == [*changes]
    assert LAYOUT.refusal({"weight": MODEL["weight"]}) is Reason.MALFORMED
    assert LAYOUT.refusal(MODEL) is None


NO_MODELS = [{}, {"empty": np.zeros(0)}, {"words": np.array(["a"])}, {"waves": np.ones(1, complex)}]


@pytest.mark.parametrize("arrays", NO_MODELS)
def test_what_is_no_model(arrays):
    with pytest.raises(InvalidConfig, match="must h"):
        ArrayLayout.of(arrays)
