"""The authenticated channel: a sender proves with a key, which it shares with the receiver, that a report is its own.

The tag is HMAC-SHA256 (RFC 2104) over all fields of the report. Whoever lacks the key can neither alter a report nor
make one up; a copy passes, so it is for the receiver to count.
"""

import hmac
import json
from struct import Struct

from fedprop.messages import Report
from fedprop.rng import words
from fedprop.types import ClientId

_WORDS = Struct("<8Q")
_PURPOSE = b"fedprop report "
"""What every signed text begins with, so that no tag made for anything else can stand for a report."""


def client_key(seed: int, client: ClientId) -> bytes:
    """The 64 bytes that the server shares with one client.

    In a simulation they follow from the run's seed, and nobody but server and client looks at them. Deployed, server
    and client would agree on them beforehand (Guo et al. 2024, Section 4.2: Diffie and Hellman).
    """
    return _WORDS.pack(*words(seed, "report key", client))


def signed(report: Report, key: bytes) -> Report:
    """The report with its tag."""
    return report.model_copy(update={"tag": _tag(report, key)})


def is_authentic(report: Report, key: bytes) -> bool:
    """Whether the tag was made with this key, for these very fields; in a time that tells nothing about the tag."""
    return hmac.compare_digest(report.tag.encode(), _tag(report, key).encode())


def _tag(report: Report, key: bytes) -> str:
    # JSON with the kind and all names in it, sorted: no two reports that differ have the same text.
    fields = json.dumps(report.model_dump(exclude={"tag"}), sort_keys=True)
    return hmac.digest(key, _PURPOSE + fields.encode(), "sha256").hex()
