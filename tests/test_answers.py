import pytest
import torch

from fedprop.answers import check_answer
from fedprop.errors import WrongAnswer

CPU = torch.device("cpu")
DUE = {"shape": (2,), "dtype": torch.float32, "device": CPU}


def test_what_is_due_is_taken():
    check_answer("the rule A", "a value", torch.zeros(2), **DUE)
    check_answer("the rule A", "weights", torch.zeros(2, dtype=torch.float64), **{**DUE, "dtype": None})


@pytest.mark.parametrize(
    ("found", "told"),
    [
        (torch.zeros(3), "a tensor of shape [3], torch.float32, on cpu"),
        (torch.zeros(1, 2), "a tensor of shape [1, 2], torch.float32, on cpu"),
        (torch.zeros(2).double(), "a tensor of shape [2], torch.float64, on cpu"),
        (torch.zeros(2, device="meta"), "a tensor of shape [2], torch.float32, on meta"),
        (torch.zeros(2).numpy(), "ndarray"),
        ([0.0, 0.0], "list"),
        (None, "NoneType"),
    ],
    ids=str,
)
def test_anything_else_is_refused_with_what_was_due_and_what_was_found(found, told):
    with pytest.raises(WrongAnswer) as caught:
        check_answer("the rule A", "a value", found, **DUE)
    due = "the rule A must answer with a value of shape [2], torch.float32, on cpu"
    assert str(caught.value) == f"{due}; found {told}"


def test_any_floating_dtype_is_no_integer():
    with pytest.raises(WrongAnswer, match=r"of shape \[2\], any floating dtype, on cpu; found .*int64"):
        check_answer("the rule A", "weights", torch.zeros(2).long(), **{**DUE, "dtype": None})
