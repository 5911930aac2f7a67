import json

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from fedprop.simulation.packing import copied, pack, unpack

scalars = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8)
keys = st.integers() | st.text(max_size=8) | st.tuples(st.integers(), st.sampled_from(["up", "$map", "$tensor"]))
plain = st.recursive(
    scalars | st.binary(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3) | st.lists(inner, max_size=3).map(tuple) | st.dictionaries(keys, inner, max_size=3)
    ),
    max_leaves=12,
)


def there_and_back(value):
    tensors = {}
    text = json.dumps(pack(value, tensors))
    return unpack(json.loads(text), tensors)


def typed(value):
    """A value with the types of all its parts, as 1, 1.0 and True are equal."""
    if isinstance(value, list | tuple):
        return type(value), [typed(v) for v in value]
    if isinstance(value, dict):
        return dict, [(typed(k), typed(v)) for k, v in value.items()]
    return type(value), value


@given(plain)
def test_plain_data_survives_json(value):
    assert typed(there_and_back(value)) == typed(value)


@given(st.floats())
def test_floats_survive_to_the_bit(number):
    assert repr(there_and_back(number)) == repr(number)


def test_tensors_survive_at_any_depth_and_keep_their_identity():
    shared, other = torch.randn(3), torch.zeros(3)
    value = {"a": [shared, (other, {1: shared})], "b": shared}
    tensors = {}
    found = unpack(json.loads(json.dumps(pack(value, tensors))), tensors)
    assert sorted(tensors) == ["t0", "t1"]
    assert found["a"][0] is found["b"] is found["a"][1][1][1] is shared
    assert found["a"][1][0] is other


def test_bytes_become_tensors_beside_the_others():
    value = [b"", b"\x00\xff", torch.ones(1), b"\x00\xff"]
    tensors = {}
    found = unpack(json.loads(json.dumps(pack(value, tensors))), tensors)
    assert found[:2] == value[:2]
    assert found[3] == value[3]
    assert torch.equal(found[2], value[2])
    assert all(isinstance(tensor, torch.Tensor) for tensor in tensors.values())


@pytest.mark.parametrize("value", [{1, 2}, object(), [1, {"x": 3j}]])
def test_anything_else_is_refused_by_name(value):
    with pytest.raises(TypeError, match=r"cannot save (set|object|complex) in a checkpoint"):
        pack(value, {})


def test_a_copy_shares_nothing_and_asks_for_no_gradient():
    held = torch.ones(2, requires_grad=True)
    found = copied({"rows": [held.detach(), held]})
    for tensor in found["rows"]:
        tensor.zero_()
        assert not tensor.requires_grad
    assert held.tolist() == [1, 1]
