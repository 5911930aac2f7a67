import re

import numpy as np
import pytest
import torch
from scipy import sparse

from fedprop.data import Dataset, Examples
from fedprop.errors import InvalidConfig

X = np.array([[[0, 255]], [[3, 4]], [[5, 6]]], dtype=np.uint8)
Y = np.array([0, 2, 1], dtype=np.uint16)


def test_examples_must_pair_up():
    with pytest.raises(InvalidConfig, match="`x` and `y` must have equal lengths; found 2 and 3"):
        Examples(torch.zeros(2, 1), torch.zeros(3))


@pytest.mark.parametrize("convert", [lambda a: a, torch.tensor, lambda a: a.tolist(), lambda a: list(torch.tensor(a))])
def test_arrays_tensors_and_lists_make_the_same_dataset(convert):
    x, y = X.astype(np.float64), Y.astype(np.int64)
    data = Dataset.from_arrays("mine", convert(x), convert(y), convert(x[:1]), convert(y[:1]))
    assert (data.name, data.classes, data.shape, len(data.train), len(data.test)) == ("mine", 3, (1, 2), 3, 1)
    assert (data.train.x.dtype, data.train.y.dtype) == (torch.float32, torch.int64)
    assert data.train.x.tolist() == X.tolist()
    assert data.train.y.tolist() == [0, 2, 1]


def test_inputs_are_copied_even_if_nothing_needs_converting():
    x, y = torch.zeros(2, 3), np.zeros(2, dtype=np.int64)
    data = Dataset.from_arrays("mine", x, y, x, y)
    x.fill_(1)
    y.fill(1)
    assert data.train.x.eq(0).all()
    assert data.train.y.eq(0).all()


def test_arrays_that_are_read_only_or_reversed_are_accepted():
    x = np.arange(4.0).reshape(4, 1)
    x.flags.writeable = False
    data = Dataset.from_arrays("mine", x[::-1], [0, 1, 0, 1], x, [1, 1, 1, 1], classes=5)
    assert data.train.x.flatten().tolist() == [3, 2, 1, 0]
    assert data.classes == 5


@pytest.mark.parametrize("dtype", ["uint8", "bool", ">f8", "float16", "longdouble"])
def test_pictures_flags_and_every_sort_of_fraction_become_float32(dtype):
    x = np.array([[0], [1]], dtype=dtype)
    data = Dataset.from_arrays("mine", x, [0, 1], x, [0, 1])
    assert data.train.x.dtype == torch.float32
    assert data.train.x.flatten().tolist() == [0.0, 1.0]


@pytest.mark.parametrize("dtype", ["int64", "int32", ">i2", "int8", "uint16", "uint64"])
def test_integers_stay_integers(dtype):
    tokens = np.array([[0, 7], [3, 100]], dtype=dtype)
    data = Dataset.from_arrays("text", tokens, [0, 1], tokens, [0, 1])
    assert data.train.x.dtype == data.test.x.dtype == torch.int64
    assert data.train.x.tolist() == [[0, 7], [3, 100]]


@pytest.mark.parametrize("y", [np.array([1, 0], dtype=">i4"), [True, False], [np.int8(1), np.int8(0)]])
def test_labels_of_every_sort_of_integer_are_int64(y):
    data = Dataset.from_arrays("mine", [[0.0], [1.0]], y, [[0.0], [1.0]], y)
    assert data.train.y.dtype == torch.int64
    assert data.train.y.tolist() == [1, 0]


def test_rows_that_require_gradients_are_copied_without():
    rows = [torch.ones(1, requires_grad=True)] * 2
    assert not Dataset.from_arrays("mine", rows, [0, 1], rows, [0, 1]).train.x.requires_grad


OBJECTS = np.array([0, "x"], dtype=object)
REFUSED = {
    "one axis": ([0.0], [0], "`x_train` must have shape [n, ...] and not be empty; found [1]"),
    "no rows": (np.zeros((0, 2)), [], "`x_train` must have shape [n, ...] and not be empty; found [0, 2]"),
    "NaN": ([[np.nan]], [0], "`x_train` must be finite in float32; found NaN, infinity, or a number beyond 3.4e38"),
    "beyond float32": ([[1e300]], [0], "`x_train` must be finite in float32"),
    "complex": ([[1j]], [0], "`x_train` must hold real numbers; found torch.complex128"),
    "complex tensor": (torch.tensor([[1j]]), [0], "`x_train` must hold real numbers; found torch.complex64"),
    "text": ([["a"]], [0], "`x_train` must be an array of numbers; found text"),
    "nothing": (None, [0], "`x_train` must be an array of numbers; found NoneType"),
    "generator": ((i for i in "a"), [0], "`x_train` must be an array of numbers; found generator"),
    "ragged": ([[1.0], [1.0, 2.0]], [0, 1], "`x_train` must be one array of numbers; found rows of different shapes"),
    "ragged tensors": ([torch.zeros(1), torch.zeros(2)], [0, 1], "`x_train` must be one array of numbers; found stack"),
    "sparse tensor": (torch.ones(1, 1).to_sparse(), [0], "`x_train` must be dense; found a nested or sparse tensor"),
    "sparse matrix": (
        sparse.csr_array([[1.0]]),
        [0],
        "`x_train` must be dense; found csr_array, which toarray() makes",
    ),
    "masked": (np.ma.array([[1.0]], mask=True), [0], "`x_train` must not be masked; found 1 masked entries"),
    "no numbers": (torch.ones(1, 1, device="meta"), [0], "`x_train` must hold plain numbers; found a tensor of torch."),
    "beyond int64": (np.array([[2**64 - 1]], dtype=np.uint64), [0], "`x_train` must fit into int64; found a number of"),
    "two axes of labels": ([[1.0]], [[0]], "`y_train` must have shape [n] and not be empty; found [1, 1]"),
    "one-hot": ([[1.0]], [[0, 1]], "found [1, 2]; y.argmax(axis=1) undoes a one-hot coding"),
    "fractions": ([[1.0]], [0.5], "`y_train` must hold integers; found torch.float64"),
    "names": ([[1.0]], ["cat"], "found text; np.unique(y, return_inverse=True)[1] numbers the classes of text"),
    "objects": ([[1.0]] * 2, OBJECTS, "found objects such as 0, which astype may turn into numbers"),
    "dates": (
        [[1.0]],
        np.array(["2020-01-01"], dtype="datetime64[D]"),
        "`y_train` must be an array of numbers; found dat",
    ),
    "too large": (
        [[1.0]],
        [2**70],
        "`y_train` must be an array of numbers; found objects such as 1180591620717411303424",
    ),
    "from minus one": ([[1.0]], [-1], "`y_train` must count classes from 0; found -1"),
    "lengths": ([[1.0]], [0, 1], "`x_train` and `y_train` must have equal lengths; found 1 and 2"),
    "shapes": ([[1.0, 2.0]], [0], "`x_train` and `x_test` must hold inputs of one shape; found [2] and [1]"),
    "sorts": ([[1]], [0], "`x_train` and `x_test` must hold numbers of one sort; found torch.int64 and torch.float32"),
    "a class too many": (
        [[1.0]],
        [3],
        "labels must lie in 0 ... classes - 1; found 3 ... 3 with classes=3 in `y_train`",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_no_dataset_is_refused(name):
    x, y, message = REFUSED[name]
    with pytest.raises(InvalidConfig, match=re.escape(message)):
        Dataset.from_arrays("mine", x, y, [[1.0]], [0], classes=3)


def test_labels_that_count_something_else_than_classes_are_refused():
    x = [[1.0], [2.0]]
    with pytest.raises(InvalidConfig, match=r"must count classes from 0, .* examples, 4, unless .*; found 2021"):
        Dataset.from_arrays("mine", x, [2020, 2021], x, [0, 1])
    assert Dataset.from_arrays("mine", x, [0, 3], x, [0, 1]).classes == 4  # a class may be missing


@pytest.mark.parametrize("classes", [0, -1, 2.0, True, "3", 2**31])
def test_what_counts_no_classes_is_refused(classes):
    with pytest.raises(InvalidConfig, match=f"`classes` must be a whole number .*; found {classes!r}"):
        Dataset.from_arrays("mine", [[1.0]], [0], [[1.0]], [0], classes=classes)


GOOD = Examples(torch.zeros(2, 1), torch.tensor([0, 1]))


@pytest.mark.parametrize(
    ("train", "message"),
    [
        ((torch.zeros(2, 1), torch.tensor([0, 1])), "`train` and `test` must be Examples; found tuple and Examples"),
        (Examples(torch.zeros(2, 1), torch.zeros(2)), "`y_train` must be int64 of shape [n] and not be empty; found"),
        (Examples(torch.zeros(1, 1), torch.tensor([2])), "labels must lie in 0 ... classes - 1; found 2 ... 2 with"),
        (Examples(torch.zeros(2, 3), torch.tensor([0, 1])), "must hold inputs of one shape; found [3] and [1]"),
    ],
)
def test_what_a_dataset_of_ones_own_holds_is_checked_too(train, message):
    with pytest.raises(InvalidConfig, match=re.escape(message)):
        Dataset("own", train, GOOD, 2)


def test_examples_are_tensors():
    with pytest.raises(InvalidConfig, match="`x` and `y` must be tensors; found ndarray and ndarray"):
        Examples(X, Y)
