"""The wire form: what was sent is what arrives, and what is no message is refused, whatever its bytes.

Statement.

1. decode(encode(m)) says the same as m, its tensor bit for bit, for every message and dtype.
2. For every byte string, `decode` gives a message or raises `MalformedMessage`, and nothing else.
3. Decoding executes nothing: a pickle is refused, and neither `pickle` nor `eval` is ever called.

Source: RFC 8259 (2017) for JSON and the safetensors format, version 0.3 (2023), whose limits these are.

Reason: the header is JSON and the tensors are raw numbers with a declared shape (safetensors), so there is nothing in a
blob that could be run.
"""

import builtins
import json
import pickle

import pytest
import safetensors.torch
import torch
from hypothesis import example, given
from hypothesis import strategies as st
from torch import Tensor

from fedprop.defenses.siren_plus import AlarmStatus
from fedprop.errors import MalformedMessage
from fedprop.messages import Invitation, Message, Update, encode, fields_of
from fedprop.messages import decode as decode_any

FLOATS = (torch.float16, torch.bfloat16, torch.float32, torch.float64)
DTYPES = (*FLOATS, torch.int64, torch.int32, torch.uint8, torch.bool)

int64s = st.integers(-(2**63), 2**63 - 1)
losses = st.floats()


@st.composite
def tensors(draw: st.DrawFn, dtypes: tuple[torch.dtype, ...], shapes: st.SearchStrategy[list[int]]) -> Tensor:
    """Any bits at all, NaN payloads and negative zeros included (a bool is 0 or 1)."""
    dtype, shape = draw(st.sampled_from(dtypes)), draw(shapes)
    size = torch.Size(shape).numel()
    if dtype == torch.bool:
        return torch.tensor(draw(st.lists(st.booleans(), min_size=size, max_size=size))).bool().reshape(shape)
    width = size * torch.empty((), dtype=dtype).element_size()
    data = draw(st.binary(min_size=width, max_size=width))
    return torch.tensor(list(data), dtype=torch.uint8).view(dtype).reshape(shape)


vectors = tensors(FLOATS, st.lists(st.integers(0, 6), min_size=1, max_size=1))
arrays = tensors(DTYPES, st.lists(st.integers(0, 3), max_size=3))
invitations = st.builds(Invitation, task=int64s, round=int64s, version=int64s, parameters=vectors)
updates = st.builds(
    Update, client=int64s, task=int64s, version=int64s, update=arrays, examples=int64s, steps=int64s, loss=losses
)
tags = st.text("0123456789abcdef", max_size=64)
alarms = st.builds(AlarmStatus, client=int64s, task=int64s, version=int64s, alarm=st.booleans(), tag=tags)
messages = st.one_of(invitations, updates, alarms)


def decode(blob: bytes, **limits: int) -> Message:
    """What a server makes of a blob that expects alarms."""
    return decode_any(blob, reports=(AlarmStatus,), **limits)


def bits(tensor: Tensor) -> tuple[torch.dtype, tuple[int, ...], bytes]:
    return tensor.dtype, tuple(tensor.shape), tensor.contiguous().reshape(-1).view(torch.uint8).numpy().tobytes()


def said(message: Message) -> dict[str, object]:
    """The fields of a message in a form that compares bit for bit."""
    return {k: bits(v) if isinstance(v, Tensor) else repr(v) for k, v in fields_of(message).items()}


def read(blob: bytes) -> Message | None:
    """The message in a blob, or None if it is refused; any other error escapes."""
    try:
        return decode(blob)
    except MalformedMessage:
        return None


@given(messages)
def test_what_was_sent_arrives(message):
    arrived = decode(encode(message))
    assert type(arrived) is type(message)
    assert said(arrived) == said(message)


@given(updates | alarms)
def test_the_wire_form_is_a_function_of_the_message(message):
    assert encode(decode(encode(message))) == encode(message)


@given(messages, st.data())
def test_a_truncated_message_is_refused(message, data):
    blob = encode(message)
    assert read(blob[: data.draw(st.integers(0, len(blob) - 1))]) is None


@given(messages, st.lists(st.tuples(st.integers(0, 10_000), st.integers(0, 7)), min_size=1, max_size=4))
def test_flipped_bits_give_a_message_or_a_refusal(message, flips):
    blob = bytearray(encode(message))
    for position, bit in flips:
        blob[position % len(blob)] ^= 1 << bit
    arrived = read(bytes(blob))
    assert arrived is None or said(decode(encode(arrived))) == said(arrived)


@given(st.binary(max_size=200))
def test_random_bytes_are_refused(blob):
    assert read(blob) is None


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)
names = st.sampled_from(["kind", "client", "task", "round", "version", "examples", "steps", "loss", "update", "extra"])
near_headers = st.dictionaries(names, json_values | st.sampled_from(["update", "invitation", 0, 1]), max_size=9)


@given(
    st.one_of(near_headers, json_values).map(json.dumps) | st.text(max_size=20),
    st.sampled_from(["update", "parameters", "kind", "other"]),
)
@example("[" * 100_000, "update")
@example('{"a":' * 100_000, "update")
@example('{"client": ' + "9" * 5000 + "}", "update")
@example('{"kind": "update", "client": 0, "task": 1e400, "version": 0, "examples": 1}', "update")
def test_wrong_headers_give_a_message_or_a_refusal(header, name):
    arrived = read(safetensors.torch.save({name: torch.zeros(2)}, metadata={"message": header}))
    assert arrived is None or isinstance(arrived, Invitation | Update)


class Bomb:
    """Unpickling it raises."""

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return exec, ("raise RuntimeError('executed')",)


def test_nothing_is_executed(monkeypatch):
    def refuse(*_args: object, **_kwargs: object) -> None:
        raise AssertionError("decoding must execute nothing")

    blob = encode(Update(client=0, task=0, version=0, update=torch.zeros(3), examples=1))
    bomb = pickle.dumps(Bomb())
    for place, name in ((pickle, "loads"), (pickle, "load"), (torch, "load"), (builtins, "eval"), (builtins, "exec")):
        monkeypatch.setattr(place, name, refuse)
    arrived, refused = read(blob), read(bomb)
    monkeypatch.undo()
    assert isinstance(arrived, Update)
    assert refused is None


def test_a_limit_on_the_size_holds_before_reading():
    blob = encode(Update(client=0, task=0, version=0, update=torch.zeros(3), examples=1))
    assert decode(blob, max_bytes=len(blob)).client == 0
    with pytest.raises(MalformedMessage, match=f"at most {len(blob) - 1} bytes; found {len(blob)}"):
        decode(blob, max_bytes=len(blob) - 1)
