import pytest
from hypothesis import given
from hypothesis import strategies as st

from fedprop.errors import InvalidConfig
from fedprop.settings import assign

paths = st.lists(st.sampled_from("abc"), min_size=1, max_size=4)


@given(paths, st.integers())
def test_what_was_assigned_is_found_at_its_path(path, value):
    data = assign({}, path, value)
    for key in path:
        data = data[key]
    assert data == value


@pytest.mark.parametrize("data", [{}, {"a": None}, {"a": {}}])
def test_what_is_missing_on_the_way_is_made(data):
    assert assign(data, ["a", "b"], 3) == {"a": {"b": 3}}


@pytest.mark.parametrize("index", ["²", "٣", "-1", "1", "", "9" * 5000, "a"])
def test_what_is_no_place_in_a_list_is_refused(index):
    with pytest.raises(InvalidConfig):
        assign({"a": [{"b": 1}]}, ["a", index, "b"], 3)


def test_a_refusal_names_the_place():
    with pytest.raises(InvalidConfig, match=r"`2` cannot be set inside \[1\], which is no mapping, and .* 0 ... 0"):
        assign([1], ["2"], 3)
    with pytest.raises(InvalidConfig, match="a path must have a name between its dots"):
        assign({}, ["a", "", "b"], 3)
