"""The authenticated channel: a sender proves with a key, which it shares with the receiver, that a message is its own.

The tag is HMAC-SHA256 (RFC 2104) over the fields of the message. Whoever lacks the key can neither alter a message nor
make one up; a copy passes, so it is for the receiver to count.
"""

import hmac
from struct import Struct

from fedprop.messages import AlarmStatus
from fedprop.rng import words
from fedprop.types import ClientId

_WORDS = Struct("<8Q")
_FIELDS = Struct("<16sqqq?")


def client_key(seed: int, client: ClientId) -> bytes:
    """The 64 bytes that the server shares with one client.

    In a simulation they follow from the run's seed, and nobody but server and client looks at them. Deployed, server
    and client would agree on them beforehand (Guo et al. 2024, Section 4.2: Diffie and Hellman).
    """
    return _WORDS.pack(*words(seed, "alarm key", client))


def signed(alarm: AlarmStatus, key: bytes) -> AlarmStatus:
    """The alarm status with its tag."""
    return alarm.model_copy(update={"tag": _tag(alarm, key)})


def is_authentic(alarm: AlarmStatus, key: bytes) -> bool:
    """Whether the tag was made with this key, for these very fields; in a time that tells nothing about the tag."""
    return hmac.compare_digest(alarm.tag.encode(), _tag(alarm, key).encode())


def _tag(alarm: AlarmStatus, key: bytes) -> str:
    # Fields of fixed length, so that no two alarms have the same bytes.
    fields = _FIELDS.pack(b"fedprop alarm", alarm.client, alarm.task, alarm.version, alarm.alarm)
    return hmac.digest(key, fields, "sha256").hex()
