"""The settings of SIREN+."""

from typing import Annotated, Literal, TypeAlias

from pydantic import Field

from fedprop.defenses.siren_plus.bans import AwardTo
from fedprop.types import Fraction, Frozen, NonNegative, Positive

Share: TypeAlias = Annotated[float, Field(gt=0.0, lt=1.0)]


class ShareOfRounds(Frozen):
    """A number of rounds that grows with the run: `share_of_rounds` times T."""

    share_of_rounds: Fraction


class SirenPlus(Frozen):
    """SIREN+ (Guo et al. 2024): alarms of the clients, decided upon with a root test set on the server.

    The defaults are those of Table 2. For CIFAR-10 the paper has c_s = 0.15, and c_c = 0.06 if the data are non-IID.

    Attributes
    ----------
    c_c : a client alarms if the new global model is less accurate than (1 - c_c) times its own last one.
    c_s : the server tells clients apart if they are less accurate than (1 - c_s) times the best.
    penalty : C_p, a client that was found malicious more often than this is banned: a number of rounds, or
        `{share_of_rounds: 0.45}`; None bans nobody.
    award : C_a, what each round in which a client is found benign takes off its count; None: a ban is for ever.
    award_to : whom awards are for, `banned` clients as in the paper or `all` clients found benign.
    weight_check : whether the server also refuses updates at an angle above pi/2 to the most accurate one.
    always_compare : whether alarming clients are compared with the silent ones even if they differ among themselves;
        not in the paper, see `decide`.
    holdout : the share of its examples that a client keeps for testing and does not train on. The paper says "a small
        partition"; a tenth is what its code takes.

    Plain SIREN (Guo et al. 2021) is `{kind: siren_plus, award: null}`, without local differential privacy.

    >>> SirenPlus().limit(rounds=40), SirenPlus(penalty=3).limit(rounds=40)
    (18.0, 3.0)
    """

    kind: Literal["siren_plus"] = "siren_plus"
    c_c: Share = 0.04
    c_s: Share = 0.10
    penalty: NonNegative | ShareOfRounds | None = ShareOfRounds(share_of_rounds=0.45)
    award: Positive | None = 0.5
    award_to: AwardTo = "banned"
    weight_check: bool = True
    always_compare: bool = False
    holdout: Share = 0.1

    def limit(self, rounds: int) -> float | None:
        """C_p in a run of so many rounds; None if nobody is banned. 0.29 of 100 is 29, in spite of binary fractions."""
        if isinstance(self.penalty, ShareOfRounds):
            return round(self.penalty.share_of_rounds * rounds, 9)
        return self.penalty
