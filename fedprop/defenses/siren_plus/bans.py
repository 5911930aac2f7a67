"""SIREN+'s penalties and awards: who was found malicious too often, and who may come back."""

from collections.abc import Mapping
from typing import Literal, NamedTuple, TypeAlias

from fedprop.defenses.siren_plus.decision import Verdict
from fedprop.types import ClientId

AwardTo: TypeAlias = Literal["banned", "all"]
"""Which clients an award is for."""


class Record(NamedTuple):
    """What the server remembers of a client.

    Attributes
    ----------
    penalty : the count that a ban follows: the malicious index of Figures 22 to 25, drawn there against C_p.
    recognised : how many rounds it was found malicious in; equal to `penalty` as long as no award was given.
    banned : whether its updates are refused.
    """

    penalty: float = 0.0
    recognised: int = 0
    banned: bool = False


def tally(
    records: Mapping[ClientId, Record],
    verdicts: Mapping[ClientId, Verdict],
    *,
    c_p: float | None,
    c_a: float | None,
    award_to: AwardTo = "banned",
) -> dict[ClientId, Record]:
    """The records after a round (Guo et al. 2024, Section 4.7); clients without a verdict keep theirs.

    The penalty of a client found malicious grows by one, that of a banned one too. One found benign loses `c_a`, but
    not what it does not have. Above `c_p` a client is banned, below it is free, and at `c_p` it stays what it was: the
    paper bans a count that "exceeds" C_p and frees one that is "less than" C_p. With a threshold of 0 nobody returns.

    Whoever is freed takes part from the next round on: the decision of this one has been made.

    Where the paper is silent or the published code (github.com/AISIGSJTU/Siren-Plus, main.py) differs:

    - Awards and penalties are for what a check found. A round without checks leaves every penalty as it is, also
      that of a banned client, whose update is refused "by default".
    - The paper gives awards to banned clients. The code gives them to clients that are *not* banned, those of quiet
      rounds included, so that nobody returns. `award_to="all"` gives them to everybody found benign.

    Parameters
    ----------
    records : what is known so far; a client that is missing starts with `Record()`.
    verdicts : what the decision says about those who took part in the round.
    c_p : the threshold C_p; None bans nobody.
    c_a : the award C_a; None gives none, so that no ban ends.
    award_to : whom awards are for.
    """
    news = {
        client: _after(records.get(client, Record()), verdict, c_p, c_a, award_to)
        for client, verdict in verdicts.items()
    }
    return {**records, **news}


def _after(record: Record, verdict: Verdict, c_p: float | None, c_a: float | None, award_to: AwardTo) -> Record:
    penalty, recognised, banned = record
    if verdict is Verdict.MALICIOUS:
        penalty, recognised = penalty + 1, recognised + 1
    elif verdict is Verdict.BENIGN and c_a is not None and (banned or award_to == "all"):
        penalty = max(0.0, penalty - c_a)
    return Record(penalty, recognised, _is_banned(penalty, banned, c_p))


def _is_banned(penalty: float, before: bool, c_p: float | None) -> bool:
    if c_p is None:
        return False
    return before if penalty == c_p else penalty > c_p
