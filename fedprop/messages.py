"""What server, clients and adversary say to each other, and its safe wire form.

A message is a plain tuple with names: a simulation makes millions, of what was looked at before (what a trainer or an
attack answers). The types of its fields are checked where it comes in from outside, from the wire or a checkpoint:
`checked`. Whether its content makes sense (shape, size, who sent it and when) is for the receiver to judge, since a
Byzantine sender may put anything into a field.

What clients say beside their updates are reports: a defense declares kinds of its own, as frozen pydantic models, and
signs them (`fedprop.authentication`). Nobody reads a kind that was not declared.

On the wire a message is one safetensors blob: the plain fields as JSON in the header, tensors as tensors. Reading one
executes nothing. The header is short and read first, and a blob that promises anything but a message is refused there:
so a hostile one costs no more than an honest one of its length.
"""

import json
import math
from collections.abc import Callable, Mapping, Sequence
from enum import StrEnum
from typing import Annotated, Any, NamedTuple, TypeAlias

import safetensors
import safetensors.torch
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, TypeAdapter, ValidationError
from torch import Tensor

from fedprop.answers import described
from fedprop.errors import MalformedMessage, WrongAnswer
from fedprop.settings.frozen import FROZEN
from fedprop.types import ClientId

HEADER_BYTES = 256
"""What a message weighs on the wire beside its tensors, in bytes (modelled, and close to the real header)."""

HEADER_LIMIT = 4096
"""The longest header that is read, in bytes: many times what any message needs."""

LONGEST = 200
"""Most characters told of what is wrong with a blob; its sender chooses them, and could fill a log with more."""

Int64: TypeAlias = Annotated[int, Field(ge=-(2**63), le=2**63 - 1, strict=True)]
"""Bounded, so that no sender can write a number that a record or a float cannot hold."""


def _is_vector(value: Tensor) -> Tensor:
    if value.ndim != 1 or not value.is_floating_point():
        raise ValueError(f"must be a vector of floats; found shape {list(value.shape)} of {value.dtype}")
    return value


FloatVector: TypeAlias = Annotated[Tensor, AfterValidator(_is_vector)]
"""`fedprop.types.Vector`, checked cheaply enough for every simulated message."""


class Invitation(NamedTuple):
    """Server to client: train on these parameters."""

    task: Int64
    round: Int64
    version: Int64
    parameters: FloatVector


class Update(NamedTuple):
    """Client to server: what training changed.

    Attributes
    ----------
    task : the invitation this answers.
    version : the global version that training started from.
    update : local parameters minus global parameters, flattened.
    examples : the number of training examples the client claims.
    steps : the number of local optimisation steps taken (FedNova weighs by it).
    loss : the mean training loss seen; 0 from a client that trains privately.
    """

    client: Int64
    task: Int64
    version: Int64
    update: Tensor
    examples: Int64
    steps: Int64 = 1
    loss: float = 0.0


class Report(BaseModel):
    """Client to server: what a client says of a task beside its update, where the defense asks for it.

    Base of all kinds of reports. A kind has a name, and fields of its own that JSON can hold:

        class Temperature(Report):
            kind: Literal["temperature"] = "temperature"
            degrees: float

    Attributes
    ----------
    task : the invitation this is about.
    version : the global version of that task.
    tag : proves who says so; see `fedprop.authentication`.
    """

    model_config = FROZEN

    kind: str
    client: Int64
    task: Int64
    version: Int64
    tag: Annotated[str, Field(pattern=r"^[0-9a-f]*$", max_length=64)] = ""

    @property
    def value(self) -> float | None:
        """What the record of the run shows of it; None for nothing."""
        return None

    def noted(self) -> float | None:
        """`value` as a record can hold it; a number that no float can hold is infinite there.

        Raises
        ------
        WrongAnswer
            If it is no number: a kind may be the user's own.
        """
        found: object = self.value
        if found is None:
            return None
        if not isinstance(found, int | float):
            raise WrongAnswer(f"{type(self).__name__}.value must be a number or None; found {described(found)}")
        try:
            return float(found)
        except OverflowError:
            return math.inf if found > 0 else -math.inf


class Draft(NamedTuple):
    """A report before it is known which task of whom it is about: its kind, and the fields of its own by name."""

    kind: type[Report]
    content: Mapping[str, Any]

    def about(self, client: ClientId, task: int, version: int) -> Report:
        """The report, not signed yet."""
        return self.kind(client=client, task=task, version=version, **self.content)

    def answered(self, says: Callable[[bool], bool]) -> "Draft":
        """The same report by somebody who answers with `says(truth)` to each of its yes-or-no questions."""
        lies = {name: says(truth) for name, truth in self.content.items() if isinstance(truth, bool)}
        return Draft(self.kind, {**self.content, **lies})


Message: TypeAlias = Invitation | Update | Report

_KINDS: dict[str, type[Message]] = {"invitation": Invitation, "update": Update}
_NAMES = {cls: kind for kind, cls in _KINDS.items()}
_TENSORS: dict[type[Message], tuple[str, ...]] = {Invitation: ("parameters",), Update: ("update",)}
_CHECKS: dict[type[Message], TypeAdapter[Any]] = {
    cls: TypeAdapter(cls, config=ConfigDict(arbitrary_types_allowed=True)) for cls in _TENSORS
}


class Reason(StrEnum):
    """Why the server refused a message."""

    MALFORMED = "malformed"
    UNKNOWN_CLIENT = "unknown client"
    UNKNOWN_TASK = "unknown task"
    WRONG_SENDER = "wrong sender"
    DUPLICATE = "duplicate"
    CLOSED = "round closed"
    TIMED_OUT = "task timed out"
    WRONG_VERSION = "wrong version"
    TOO_STALE = "too stale"
    WRONG_DTYPE = "wrong dtype"
    OVERSIZED = "oversized"
    WRONG_SHAPE = "wrong shape"
    NOT_FINITE = "NaN or infinity"
    BAD_SIZE = "invalid number of examples"
    BAD_STEPS = "invalid number of steps"
    REPORT_FORGED = "report forged"
    REPORT_REPLAYED = "report replayed"
    REPORT_MISSING = "report missing"


def size(message: Message) -> int:
    """The bytes a message takes on the wire, as the network models it."""
    tensors: list[Tensor] = [getattr(message, name) for name in _TENSORS.get(type(message), ())]
    return HEADER_BYTES + sum(tensor.nbytes for tensor in tensors)


def fields_of(message: Message) -> dict[str, Any]:
    """What a message says, by field, with its kind: as `checked` takes it."""
    return dict(message) if isinstance(message, Report) else {"kind": _NAMES[type(message)], **message._asdict()}


def encode(message: Message) -> bytes:
    """The wire form of a message."""
    said = fields_of(message)
    tensors = {name: said.pop(name).detach().contiguous().cpu() for name in _TENSORS.get(type(message), ())}
    header = json.dumps(message.model_dump(mode="json") if isinstance(message, Report) else said)
    return safetensors.torch.save(tensors, metadata={"message": header})


def decode(blob: bytes, *, max_bytes: int | None = None, reports: Sequence[type[Report]] = ()) -> Message:
    """The message that bytes from the network stand for; of reports those of the kinds given.

    Raises
    ------
    MalformedMessage
        If the blob is longer than `max_bytes`, is not in the wire form, or its fields have wrong types.
    """
    if max_bytes is not None and len(blob) > max_bytes:
        raise MalformedMessage(f"a message must have at most {max_bytes} bytes; found {len(blob)}")
    try:
        kinds = kinds_of(reports)
        return checked({**_fields(blob, kinds), **safetensors.torch.load(blob)}, kinds)
    except Exception as error:  # whatever bytes do to three parsers, it is their sender's doing
        raise MalformedMessage(f"not a protocol message: {_in_words(error)}") from None


def kinds_of(reports: Sequence[type[Report]]) -> Mapping[str, type[Message]]:
    """The classes of all messages between server and clients by kind, where these reports are expected."""
    return {**_KINDS, **{cls.model_fields["kind"].default: cls for cls in reports}}


def checked(fields: Mapping[str, Any], kinds: Mapping[str, type[Message]]) -> Message:
    """The message of one of these kinds that has these fields, its kind among them, if their types are right.

    Raises
    ------
    ValueError
        If they are not, or if a field is missing or unknown.
    KeyError
        If it is of no such kind.
    """
    cls = kinds[fields["kind"]]
    if issubclass(cls, Report):
        return cls.model_validate(fields)
    found: Message = _CHECKS[cls].validate_python({name: told for name, told in fields.items() if name != "kind"})
    return found


def _fields(blob: bytes, kinds: Mapping[str, type[Message]]) -> dict[str, Any]:
    """The plain fields of a message, from a header that promises the tensors of its kind and nothing else."""
    length = int.from_bytes(blob[:8], "little")
    if not 0 < length <= min(HEADER_LIMIT, len(blob) - 8):
        there = max(0, len(blob) - 8)
        raise ValueError(f"its header must have at most {HEADER_LIMIT} bytes, of {there} there are; found {length}")
    header = _object(blob[8 : 8 + length].decode())
    metadata = header.pop("__metadata__", None)
    if not isinstance(metadata, dict) or metadata.keys() != {"message"}:
        raise ValueError("its metadata must be `message` and nothing else")
    fields = _object(metadata["message"])
    kind = fields.get("kind")
    if not isinstance(kind, str) or kind not in kinds:
        raise ValueError(f"`kind` must be one of {', '.join(kinds)}; found {kind!r}")
    tensors = _TENSORS.get(kinds[kind], ())
    if header.keys() != set(tensors) or header.keys() & fields.keys():
        raise ValueError(f"its tensors must be those of one {kind}, {list(tensors)}; found {list(header)}")
    return fields


def _object(text: Any) -> dict[str, Any]:
    """A JSON object, each of whose keys occurs once: parsers differ in which of two they believe."""

    def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found = dict(pairs)
        if len(found) != len(pairs):
            raise ValueError("a key must occur once in its JSON")
        return found

    found = json.loads(text, object_pairs_hook=unique)
    if not isinstance(found, dict):
        raise TypeError("its header must be made of JSON objects")
    return found


def _in_words(error: Exception) -> str:
    """What is wrong with a blob, on one line of bounded length."""
    text = str(error)
    if isinstance(error, ValidationError):
        first = error.errors(include_input=False, include_url=False)[0]
        text = f"{error.title}.{'.'.join(str(part) for part in first['loc'])}: {first['msg']}"
    text = " ".join(text.split())
    return text if len(text) <= LONGEST else f"{text[:LONGEST]} ..."


class Consultation(NamedTuple):
    """Compromised client to adversary, on a covert channel that costs no time: a request for instructions."""

    client: ClientId
    task: int
    round: int
    version: int


class Instruction(NamedTuple):
    """Adversary to compromised client: what to send for a task, and when.

    Attributes
    ----------
    update : the update [d] to send.
    examples : the number of training examples to claim.
    lateness : simulated seconds to wait before that; infinity: send nothing.
    """

    task: int
    update: Tensor
    examples: Int64
    lateness: float = 0.0
