"""Every form in which people hold rows: taken and answered in kind, or refused in one sentence that says what to do."""

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from fedprop.errors import InvalidUpdates
from fedprop.forms import PLAIN, Form, taken

ROWS = torch.tensor([[1.0, -2.0, 3.0], [4.0, 5.0, -6.0]], dtype=torch.float64)
ARRAY: NDArray[np.float64] = ROWS.numpy()


def read_only() -> NDArray[np.float64]:
    array = ARRAY.copy()
    array.flags.writeable = False
    return array


class Labelled(Tensor):
    """A subclass of tensors, as libraries have."""


TAKEN = {
    "a tensor": (ROWS, PLAIN),
    "float32": (ROWS.float(), PLAIN),
    "a difference of live parameters": (nn.Parameter(ROWS) - nn.Parameter(0 * ROWS), PLAIN),
    "a parameter": (nn.Parameter(ROWS), PLAIN),
    "a subclass": (ROWS.clone().as_subclass(Labelled), PLAIN),
    "a negated view": (torch.complex(0 * ROWS, -ROWS).conj().imag, PLAIN),
    "columns that are not neighbours": (ROWS.T.contiguous().T, PLAIN),
    "float16": (ROWS.half(), Form(half=torch.float16)),
    "bfloat16": (ROWS.bfloat16(), Form(half=torch.bfloat16)),
    "an array": (ARRAY, Form(array=True)),
    "an array in Fortran order": (np.asfortranarray(ARRAY), Form(array=True)),
    "a reversed array": (ARRAY[::-1, ::-1][::-1, ::-1].copy()[::-1][::-1], Form(array=True)),
    "an array that must not be written to": (read_only(), Form(array=True)),
    "a big-endian array": (ARRAY.astype(">f8"), Form(array=True)),
    "a float32 array": (ARRAY.astype(np.float32), Form(array=True)),
    "a float16 array": (ARRAY.astype(np.float16), Form(array=True, half=torch.float16)),
    "a matrix of NumPy": (ARRAY.view(np.matrix), Form(array=True)),
    "a field of a structured array": (
        np.array([[(1, v) for v in row] for row in ARRAY], dtype=[("a", "i1"), ("b", "f8")])["b"],
        Form(array=True),
    ),
    "a list of tensors": (list(ROWS), PLAIN),
    "a tuple of parameters": (tuple(nn.Parameter(row) for row in ROWS), PLAIN),
    "a list of arrays": (list(ARRAY), Form(array=True)),
    "a list of half-precision tensors": (list(ROWS.half()), Form(half=torch.float16)),
}


@pytest.mark.parametrize(("given", "form"), TAKEN.values(), ids=TAKEN)
def test_taken_as_numbers_to_compute_with(given: object, form: Form) -> None:
    rows, found = taken(given, "updates", "Mean")
    assert type(rows) is Tensor
    assert (found, rows.requires_grad) == (form, False)
    assert torch.equal(rows.double(), ROWS)
    assert rows.numpy().shape == (2, 3)


def test_a_reversed_array_keeps_its_order() -> None:
    assert torch.equal(taken(ARRAY[::-1], "updates", "Mean")[0], ROWS.flip(0))


def test_tensors_made_in_inference_mode_are_taken() -> None:
    with torch.inference_mode():
        rows = ROWS + 0
    assert taken(rows, "updates", "Mean")[0].numpy().shape == (2, 3)


@pytest.mark.parametrize("given", [ROWS, nn.Parameter(ROWS.clone()), ARRAY, ARRAY.astype(np.float32)])
def test_what_is_taken_is_not_copied(given: Tensor | NDArray[np.float64]) -> None:
    rows, _ = taken(given, "updates", "Mean")
    assert rows.data_ptr() == (given.data_ptr() if isinstance(given, Tensor) else given.ctypes.data)


REFUSED = {
    "integers": (ROWS.long(), r"floats of 16, 32 or 64 bits .*rows.double\(\).* for Mean; found torch.int64"),
    "truth values": (ROWS > 0, "found torch.bool"),
    "complex numbers": (ROWS.to(torch.complex64), r"view_as_real\(rows\).flatten\(1\).*; found torch.complex64"),
    "an array of integers": (ARRAY.astype(int), r"rows.astype\(float\).* for Mean; found int64"),
    "an array of truth values": (ARRAY > 0, "found bool"),
    "a complex array": (ARRAY.astype(complex), "view_as_real.*; found complex128"),
    "an array of objects": (ARRAY.astype(object), "found object"),
    "an array of long doubles": (ARRAY.astype(np.longdouble), "found float128|found longdouble"),
    "a masked array": (
        np.ma.MaskedArray(ARRAY, ARRAY > 4),
        r"rows.filled\(0.0\).*; found a masked array",
    ),
    "a sparse tensor": (
        ROWS.to_sparse(),
        r"rows.to_dense\(\).*; found a tensor that is torch.sparse_coo",
    ),
    "a tensor without numbers": (ROWS.to("meta"), "found a tensor that is meta"),
    "no rows": ([], "`updates` must be a list of at least one row for Mean; found none"),
    "rows of several lengths": ([ROWS[0], ROWS[1, :2]], r"vectors of one length for Mean; found shapes \[3\], \[2\]"),
    "rows that are matrices": ([ROWS, ROWS], r"vectors of one length for Mean; found shapes \[2, 3\]"),
    "tensors among arrays": (
        [ROWS[0], ARRAY[1]],
        "all tensors or all NumPy arrays .* found a list of Tensor, nd",
    ),
    "lists of numbers": (ROWS.tolist(), "found a list of list"),
    "state dicts": ([{"w": ROWS[0]}], "found a list of dict"),
    "devices mixed": ([ROWS[0], ROWS[1].to("meta")], "on one device for Mean; found cpu, meta"),
    "integers in a list": ([ROWS[0], ROWS[1].long()], "found torch.int64"),
    "arrays of integers in a list": ([ARRAY[0], ARRAY[1].astype(int)], "found int64"),
    "something else": (
        "rows",
        "must be a tensor, a NumPy array, or a list of vectors .* Mean; found str",
    ),
    "nothing": (None, "found NoneType"),
}


@pytest.mark.parametrize(("given", "message"), REFUSED.values(), ids=REFUSED)
def test_refused_in_a_sentence(given: object, message: str) -> None:
    with pytest.raises(InvalidUpdates, match=message) as refusal:
        taken(given, "updates", "Mean")
    assert "\n" not in str(refusal.value)
    assert len(str(refusal.value)) < 250


def test_an_answer_in_half_precision_stays_finite() -> None:
    assert Form(half=torch.float16).of(torch.tensor([1e6, -1e6, 2.0])).tolist() == [65504.0, -65504.0, 2.0]
    found = Form(array=True, half=torch.float16).of(torch.tensor([1e6]))
    assert isinstance(found, np.ndarray)
    assert (found.dtype, found.tolist()) == (np.float16, [65504.0])
