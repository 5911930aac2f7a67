"""The settings of SIREN+, and what it does with them at each step of a round."""

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Literal, TypeAlias

from pydantic import Field

from fedprop.aggregators.mean import Mean
from fedprop.aggregators.weighting import Weighting
from fedprop.defenses.protocol import Beginning, LocalTest, Replies, RoundProtocol, Ruling, Screened
from fedprop.defenses.siren_plus.alarm import AlarmStatus
from fedprop.defenses.siren_plus.bans import AwardTo, Record, tally
from fedprop.defenses.siren_plus.client import AlarmingClients
from fedprop.defenses.siren_plus.decision import Decision, decide
from fedprop.defenses.siren_plus.evidence import RootTest
from fedprop.defenses.siren_plus.numbers import CompromisedBanned, CompromisedIndex, HonestBanned, HonestIndex
from fedprop.errors import InvalidConfig
from fedprop.messages import Report
from fedprop.metrics import Number
from fedprop.types import ClientId, Fraction, Frozen, NonNegative, Positive, Vector

Share: TypeAlias = Annotated[float, Field(gt=0.0, lt=1.0)]


class ShareOfRounds(Frozen):
    """A number of rounds that grows with the run: `share_of_rounds` times T.

    Attributes
    ----------
    share_of_rounds : the number of rounds is this share of the run's.
    """

    share_of_rounds: Fraction


class SirenPlus(RoundProtocol):
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
    weighting : alpha, the weights of the accepted updates. The paper's are the clients' shares of the data, `examples`;
        since malicious clients may claim any number of examples, the weights are `uniform` unless told otherwise;
        `capped` bounds the largest claims.

    Plain SIREN (Guo et al. 2021) is `{kind: siren_plus, award: null}`, without local differential privacy.

    >>> SirenPlus().limit(rounds=40), SirenPlus(penalty=3).limit(rounds=40)
    (18.0, 3.0)

    Source: Guo et al., "Siren+: Robust Federated Learning with Proactive Alarming and Differential Privacy", 2024,
    Algorithms 1 and 2.
    """

    reports: ClassVar[tuple[type[Report], ...]] = (AlarmStatus,)
    numbers: ClassVar[tuple[Number, ...]] = (HonestIndex(), CompromisedIndex(), HonestBanned(), CompromisedBanned())

    kind: Literal["siren_plus"] = "siren_plus"
    c_c: Share = 0.04
    c_s: Share = 0.10
    penalty: NonNegative | ShareOfRounds | None = ShareOfRounds(share_of_rounds=0.45)
    award: Positive | None = 0.5
    award_to: AwardTo = "banned"
    weight_check: bool = True
    always_compare: bool = False
    holdout: Share = 0.1
    weighting: Weighting = "uniform"

    @property
    def rule(self) -> Mean:
        return Mean(weighting=self.weighting)

    @property
    def asks(self) -> frozenset[str]:
        return frozenset({"accuracies"})

    @property
    def needs_rounds(self) -> str:
        return "clients test the model of the round, and what they report of it decides on all its updates together"

    @property
    def test_share(self) -> float:
        return self.holdout

    def init(self) -> dict[ClientId, Record]:
        return {}

    def limit(self, rounds: int) -> float | None:
        """C_p in a run of so many rounds; None if nobody is banned. 0.29 of 100 is 29, in spite of binary fractions."""
        if isinstance(self.penalty, ShareOfRounds):
            return round(self.penalty.share_of_rounds * rounds, 9)
        return self.penalty

    def fixed_by(self, rounds: int) -> float | None:
        return self.limit(rounds)

    def begin(self, client: ClientId, received: Vector, last: Vector | None, *, test: LocalTest) -> Beginning:
        return AlarmingClients(test, self.c_c).begin(client, received, last)

    def screen(self, replies: Replies, memory: Mapping[ClientId, tuple[Any, ...]]) -> Screened:
        """The decision on a round's updates; the memory is a `Record` for each client that took part.

        Raises
        ------
        InvalidConfig
            If the server holds no examples of its own.
        """
        if replies.server is None:
            raise InvalidConfig("`server` must hold the root test set for SirenPlus; found None")
        records = {client: Record(*record) for client, record in memory.items()}
        alarms = tuple(status.alarm for status in replies.of(AlarmStatus))
        decision = decide(
            alarms,
            RootTest(replies.updates, replies.server.accuracies),
            c_s=self.c_s,
            weight_check=self.weight_check,
            always_compare=self.always_compare,
            banned=[row for row, client in enumerate(replies.clients) if records.get(client, Record()).banned],
            review=self.award is not None,
        )
        verdicts = dict(zip(replies.clients, decision.verdicts, strict=True))
        limit = self.limit(replies.rounds)
        records = tally(records, verdicts, c_p=limit, c_a=self.award, award_to=self.award_to)
        return Screened(decision.accepted, _ruling(replies, decision, records), records)


def _ruling(replies: Replies, decision: Decision, records: Mapping[ClientId, Record]) -> Ruling:
    clients, measured = replies.clients, decision.accuracies
    return Ruling(
        case=decision.case.name.lower(),
        rollback=decision.rollback,
        reports={client: status.value for client, status in zip(clients, replies.of(AlarmStatus), strict=True)},
        verdicts={client: verdict.value for client, verdict in zip(clients, decision.verdicts, strict=True)},
        scores={client: found for client, found in zip(clients, measured, strict=True) if found is not None},
        suspicion={client: record.penalty for client, record in sorted(records.items())},
        banned=tuple(client for client, record in sorted(records.items()) if record.banned),
    )
