import pytest
import safetensors.torch
import torch
from pydantic import ValidationError

from fedprop.errors import MalformedMessage
from fedprop.messages import HEADER_BYTES, Consultation, Instruction, Invitation, Reason, Update, decode, encode, size


def update(**changes):
    return Update(**{"client": 1, "task": 2, "version": 3, "update": torch.zeros(4), "examples": 5, **changes})


def test_an_update_says_one_step_and_no_loss_by_default():
    assert (update().steps, update().loss) == (1, 0.0)


@pytest.mark.parametrize("field", ["client", "task", "version", "examples", "steps"])
@pytest.mark.parametrize("value", [2**63, -(2**63) - 1, 0.5, "many", None])
def test_counts_are_whole_numbers_of_64_bits(field, value):
    with pytest.raises(ValidationError, match=field):
        update(**{field: value})


def test_a_message_cannot_be_changed_or_extended():
    with pytest.raises(ValidationError, match="frozen"):
        update().task = 7
    with pytest.raises(ValidationError, match="hint"):
        update(hint=1)


@pytest.mark.parametrize("parameters", [torch.zeros(2, 2), torch.zeros(2, dtype=torch.int64), [0.0]])
def test_an_invitation_carries_a_vector_of_floats(parameters):
    with pytest.raises(ValidationError, match="parameters"):
        Invitation(task=0, round=0, version=0, parameters=parameters)


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


@pytest.mark.parametrize("metadata", [None, {"other": "x"}])
def test_tensors_without_a_header_are_refused(metadata):
    with pytest.raises(MalformedMessage):
        decode(safetensors.torch.save({"update": torch.zeros(1)}, metadata=metadata))


def test_reasons_are_told_apart():
    assert len({reason.value for reason in Reason}) == len(Reason)


def test_the_covert_channel_speaks_of_one_task():
    assert Consultation(client=3, task=4, round=0).task == Instruction(task=4, update=torch.zeros(2)).task
