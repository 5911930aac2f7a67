import json
import math
from typing import Any, Literal

import pytest
import safetensors.torch
import torch
from pydantic import ValidationError

from fedprop.defenses.siren_plus import AlarmStatus
from fedprop.errors import MalformedMessage, WrongAnswer
from fedprop.messages import (
    HEADER_BYTES,
    Consultation,
    Draft,
    Instruction,
    Invitation,
    Reason,
    Report,
    Update,
    checked,
    decode,
    encode,
    fields_of,
    kinds_of,
    size,
)


def update(**changes):
    return Update(**{"client": 1, "task": 2, "version": 3, "update": torch.zeros(4), "examples": 5, **changes})


def test_an_update_says_one_step_and_no_loss_by_default():
    assert (update().steps, update().loss) == (1, 0.0)


def looked_at(message, **changes):
    """A message that comes from outside with these fields changed."""
    return checked({**fields_of(message), **changes}, kinds_of(()))


def test_a_message_in_good_order_is_what_its_fields_say():
    message = update()
    assert looked_at(message) == message
    assert looked_at(message, loss=1).loss == 1.0


@pytest.mark.parametrize("field", ["client", "task", "version", "examples", "steps"])
@pytest.mark.parametrize("value", [2**63, -(2**63) - 1, 0.5, "many", True, None])
def test_counts_are_whole_numbers_of_64_bits(field, value):
    with pytest.raises(ValidationError, match=field):
        looked_at(update(), **{field: value})


@pytest.mark.parametrize("changes", [{"hint": 1}, {"update": [0.0]}, {"loss": "low"}])
def test_a_message_has_its_fields_and_no_others(changes):
    with pytest.raises(ValidationError, match=next(iter(changes))):
        looked_at(update(), **changes)


def test_a_message_cannot_be_changed():
    with pytest.raises(AttributeError):
        update().task = 7


def test_what_is_of_no_kind_is_no_message():
    with pytest.raises(KeyError):
        looked_at(update(), kind="gossip")


@pytest.mark.parametrize("parameters", [torch.zeros(2, 2), torch.zeros(2, dtype=torch.int64), [0.0]])
def test_an_invitation_carries_a_vector_of_floats(parameters):
    invitation = Invitation(task=0, round=0, version=0, parameters=torch.zeros(2))
    with pytest.raises(ValidationError, match="parameters"):
        looked_at(invitation, parameters=parameters)


class Count(Report):
    kind: Literal["count"] = "count"
    found: Any

    @property
    def value(self):
        return self.found


@pytest.mark.parametrize(
    ("found", "noted"), [(None, None), (3, 3.0), (True, 1.0), (10**400, math.inf), (-(10**400), -math.inf)]
)
def test_a_record_notes_a_number_that_a_float_can_hold(found, noted):
    assert Count(client=0, task=0, version=0, found=found).noted() == noted


def test_a_report_whose_value_is_no_number_is_told_of():
    with pytest.raises(WrongAnswer, match=r"^Count.value must be a number or None; found "):
        Count(client=0, task=0, version=0, found="many").noted()


@pytest.mark.parametrize(("dtype", "width"), [(torch.float16, 2), (torch.float32, 4), (torch.float64, 8)])
def test_the_modelled_size_is_the_payload_and_a_header(dtype, width):
    invitation = Invitation(task=0, round=0, version=0, parameters=torch.zeros(10, dtype=dtype))
    assert size(update(update=torch.zeros(10, dtype=dtype))) == size(invitation) == HEADER_BYTES + 10 * width


def test_the_modelled_size_is_close_to_the_real_one():
    assert size(update()) == pytest.approx(len(encode(update())), abs=100)


def test_rows_that_are_views_or_need_gradients_are_sent_as_plain_numbers():
    row = torch.arange(6.0, requires_grad=True).view(2, 3).t()[0]
    arrived = decode(encode(update(update=row))).update
    assert arrived.tolist() == [0.0, 3.0]
    assert not arrived.requires_grad


@pytest.mark.parametrize(
    ("header", "tensors"),
    [
        ("[]", {"update": torch.zeros(1)}),
        ("{}", {"update": torch.zeros(1)}),
        ('{"kind": "gossip"}', {"update": torch.zeros(1)}),
        ('{"kind": "update", "client": 1, "task": 2, "version": 3, "examples": 5}', {}),
        (
            '{"kind": "update", "client": 1, "task": 2, "version": 3, "examples": 5}',
            {"update": torch.zeros(1), "more": torch.zeros(1)},
        ),
        (
            '{"kind": "update", "client": 1, "task": 2, "version": 3, "examples": 5, "bonus": 1}',
            {"update": torch.zeros(1)},
        ),
        ('{"kind": "update", "client": 1, "task": 2, "version": 3, "examples": "x"}', {"update": torch.zeros(1)}),
    ],
)
def test_what_is_nearly_a_message_is_refused_with_a_sentence(header, tensors):
    blob = safetensors.torch.save(tensors, metadata={"message": header})
    with pytest.raises(MalformedMessage, match=r"^not a protocol message: "):
        decode(blob)


FIELDS = '{"kind": "update", "client": 1, "task": 2, "version": 3, "examples": 5}'
ROW = {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}
NONE = {"dtype": "F32", "shape": [0], "data_offsets": [4, 4]}


def blob(header, numbers=4):
    """A blob with this header, whatever it says, and so many bytes after it."""
    raw = header if isinstance(header, bytes) else json.dumps(header).encode()
    return len(raw).to_bytes(8, "little") + raw + bytes(numbers)


def promising(fields=FIELDS, /, **tensors):
    return blob({"__metadata__": {"message": fields}, **(tensors or {"update": ROW})})


def test_a_blob_made_by_hand_is_a_message():
    assert decode(promising()).examples == 5


LONG = {
    "empty tensors by the thousand": promising(update=ROW, **{f"t{i}": NONE for i in range(2_000)}),
    "metadata by the thousand": blob({"__metadata__": {"message": FIELDS, **{f"k{i}": "" for i in range(2_000)}}}),
    "fields by the thousand": promising(json.dumps(json.loads(FIELDS) | {f"x{i}": 1 for i in range(2_000)})),
    "a long kind": promising(json.dumps({"kind": "x" * 10_000})),
    "a long number": promising('{"kind": "update", "client": ' + "1" * 10_000 + "}"),
    "lists in lists": promising("[" * 5_000 + "]" * 5_000),
    "a long shape": promising(update=ROW | {"shape": [1] * 5_000}),
    "spaces": blob(b"{" + b" " * 10_000 + b"}"),
    "a header longer than the blob": (2**63).to_bytes(8, "little") + b"{}",
    "a header one byte longer than the blob": (3).to_bytes(8, "little") + b"{}",
}


@pytest.mark.parametrize("hostile", LONG.values(), ids=LONG)
def test_a_long_header_is_refused_before_anybody_parses_it(hostile, monkeypatch):
    monkeypatch.setattr(json, "loads", None)
    monkeypatch.setattr(safetensors.torch, "load", None)
    with pytest.raises(MalformedMessage, match=r"its header must have at most 4096 bytes, of \d+ there are; found"):
        decode(hostile)


def test_a_header_that_is_too_long_is_told_beside_what_is_there():
    with pytest.raises(MalformedMessage, match="of 2 there are; found 3"):
        decode((3).to_bytes(8, "little") + b"{}")


SHORT = {
    "no header": (b"", "found 0"),
    "an empty header": (bytes(8), "found 0"),
    "another tensor": (
        promising(update=ROW, more=NONE),
        r"those of one update, \['update'\]; found \['update', 'more'\]",
    ),
    "no tensor": (promising(more=ROW), r"found \['more'\]"),
    "another kind's tensor": (promising(FIELDS.replace("update", "alarm_status")), r"those of one alarm_status, \[\]"),
    "a kind that is none": (
        promising('{"kind": ["update"]}'),
        r"`kind` must be one of invitation.* found \['update'\]",
    ),
    "other metadata": (
        blob({"__metadata__": {"message": FIELDS, "x": ""}, "update": ROW}),
        "`message` and nothing else",
    ),
    "a key twice": (promising(FIELDS[:-1] + ', "client": 2}'), "a key must occur once"),
    "a tensor twice": (
        blob(json.dumps({"__metadata__": {"message": FIELDS}, "update": ROW}).encode()[:-1] + b', "update": {}}'),
        "a key must occur once",
    ),
    "a field in the place of a tensor": (promising(FIELDS[:-1] + ', "update": 1}'), "its tensors must be"),
    "lists in lists": (promising("[" * 1_900), "recursion|Expecting"),
    "no JSON": (blob(b"\xff" * 9), "utf-8"),
    "a number too long for an integer": (promising(FIELDS.replace("1", "1" * 3_900)), "Update.client: "),
    "a truth value for a number": (promising(FIELDS.replace("1", "true")), "Update.client: .*valid integer"),
    "a text for a number": (promising(FIELDS.replace("1", '"1"')), "Update.client: .*valid integer"),
    "a text for a truth value": (
        blob({"__metadata__": {"message": '{"kind":"alarm_status","client":1,"task":2,"version":3,"alarm":"yes"}'}}, 0),
        "AlarmStatus.alarm: .*valid boolean",
    ),
    "a dtype nobody knows": (promising(update=ROW | {"dtype": "F4"}), "not a protocol message"),
    "numbers that are not there": (promising(update=ROW | {"shape": [2**40]}), "not a protocol message"),
    "long names": (promising(update=ROW, **{"y" * 3_000: NONE}), "yyyy"),
}


@pytest.mark.parametrize(("hostile", "message"), SHORT.values(), ids=SHORT)
def test_what_is_wrong_is_told_on_one_short_line(hostile, message):
    with pytest.raises(MalformedMessage, match=message) as refusal:
        decode(hostile, reports=(AlarmStatus,))
    assert "\n" not in str(refusal.value)
    assert len(str(refusal.value)) < 250


@pytest.mark.parametrize("metadata", [None, {"other": "x"}])
def test_tensors_without_a_header_are_refused(metadata):
    with pytest.raises(MalformedMessage):
        decode(safetensors.torch.save({"update": torch.zeros(1)}, metadata=metadata))


def test_reasons_are_told_apart():
    assert len({reason.value for reason in Reason}) == len(Reason)


def test_the_covert_channel_speaks_of_one_task():
    assert (
        Consultation(client=3, task=4, round=0, version=0).task
        == Instruction(task=4, update=torch.zeros(2), examples=1).task
    )


def test_a_draft_becomes_a_report_about_a_task():
    draft = Draft(AlarmStatus, {"alarm": True})
    assert draft.about(3, 4, 5) == AlarmStatus(client=3, task=4, version=5, alarm=True)
    assert draft.answered(lambda truth: not truth).about(3, 4, 5).value == 0.0


def test_a_report_that_was_not_declared_is_no_message():
    sent = encode(AlarmStatus(client=3, task=4, version=5, alarm=True))
    assert decode(sent, reports=(AlarmStatus,)).value == 1.0
    with pytest.raises(MalformedMessage, match=r"`kind` must be one of invitation, update; found 'alarm_status'"):
        decode(sent)
