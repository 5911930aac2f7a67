"""SIREN+'s decision: who is believed, whose update is accepted, and whether the server rolls back.

Source: Guo et al. 2024, Algorithm 2, Figure 3 and Sections 4.4 to 4.7. Where these are silent or say two things, and
where the code that the authors published (github.com/AISIGSJTU/Siren-Plus, main.py) does something else:

- An accuracy is that of g_t plus the update, the client's model (Section 4.5). All comparisons are as printed, but for
  one: the most accurate client is within its own margin even at accuracy 0, where 0 < 0 would say otherwise and leave
  nobody.
- An alarming client that fails only the weight check makes case 4 (line 6), which then leaves it out (4.6).
- 4.6 speaks of alarming clients; silent ones are checked against the most accurate silent one, as in the code. The code
  rejects right angles too; the paper does not.
- If several share the highest accuracy, to pass against one of them is enough: no order of the rows matters.
- With no silent client nothing speaks against the alarms: they are true.
- One alarm is treated like several. The code then tests every client instead.
- The paper concludes from unlike alarming clients that some of them are benign. Malicious ones can be unlike too: two
  false alarms of different quality make case 4 of a clean g_t, and one of the two is aggregated. With `always_compare`,
  which is not in the paper, the comparison with the silent clients comes first, whether or not the alarming ones are
  alike.
- An award needs a verdict on a banned client (4.7), so it may be judged in any round; see `review`.

What is proved about the decision, and under which premises, is in `specs/proofs/test_siren_decision.py`.
"""

from collections.abc import Sequence
from enum import StrEnum
from typing import NamedTuple, TypeAlias

from fedprop.defenses.siren_plus.evidence import Evidence

Rows: TypeAlias = Sequence[int]


class Case(StrEnum):
    """Why the server decided as it did; the numbers are those of Figure 3."""

    QUIET = "no alarm: the updates are taken as they are (cases 1 and 2)"
    FALSE_ALARMS = "silent clients are as accurate as the alarming ones: the alarms are false (case 3)"
    TRUE_ALARMS = "alarming clients are alike and more accurate than the silent ones: the alarms are true (case 3)"
    DIVERGENT = "alarming clients differ: the most accurate ones are believed (case 4)"

    @property
    def rollback(self) -> bool:
        """Whether the current global model is held to be poisoned."""
        return self in (Case.TRUE_ALARMS, Case.DIVERGENT)


class Verdict(StrEnum):
    """What the server found out about a client in one round."""

    BENIGN = "benign"
    MALICIOUS = "malicious"
    UNCHECKED = "unchecked"


class Decision(NamedTuple):
    """The outcome of one round.

    Attributes
    ----------
    case : which case it was.
    accepted : for each row, whether the update is aggregated. At least one is, unless every client is banned; then the
        round makes no new model.
    verdicts : for each row, what was found out about its sender.
    accuracies : for each row, the accuracy on the root test set; None where it was not asked for.
    """

    case: Case
    accepted: tuple[bool, ...]
    verdicts: tuple[Verdict, ...]
    accuracies: tuple[float | None, ...]

    @property
    def rollback(self) -> bool:
        """Whether the accepted updates are to be applied to the version before the current one."""
        return self.case.rollback


def decide(
    alarms: Sequence[bool],
    evidence: Evidence,
    *,
    c_s: float = 0.10,
    weight_check: bool = True,
    always_compare: bool = False,
    banned: Rows = (),
    review: bool = False,
) -> Decision:
    """Algorithm 2 of Guo et al. 2024, lines 3 to 15, as a total function.

    Call clients alike if each is within the margin of the most accurate of them, max * (1 - C_s) < accuracy, and no
    update is at an angle above pi/2 to the update of the most accurate one.

    - QUIET: nobody alarms. Every update is accepted, unchecked.
    - FALSE_ALARMS: the alarming clients are alike, and max over them * (1 - C_s) <= max over the silent ones. Accepted
      are the silent clients within the margin of the most accurate silent one that pass the weight check against it.
    - TRUE_ALARMS: the alarming clients are alike, and the silent ones are worse. Rollback; all alarming are accepted.
    - DIVERGENT: the alarming clients are not alike. Rollback; accepted are those of them that are within the margin of
      the most accurate one and pass the weight check against it.

    Nothing that a banned client sends is taken into account. If `review` is set it is still judged, for the award: it
    is benign if it is within the margin of the most accurate accepted client and passes the weight check against it.
    In a quiet round this costs a test of every client.

    Parameters
    ----------
    alarms : for each row, whether its sender alarmed.
    evidence : asked for the alarming rows unless nobody alarms, and for the silent ones only to compare.
    c_s : the margin C_s, above 0 and below 1.
    weight_check : whether angles count.
    always_compare : whether alarming clients that are not alike are compared with the silent ones too.
    banned : rows whose senders are banned.
    review : whether to judge them.
    """
    panel = _Panel(evidence, c_s, weight_check)
    rows = range(len(alarms))
    alarming = [row for row in rows if alarms[row] and row not in banned]
    silent = [row for row in rows if not alarms[row] and row not in banned]
    case, kept = _judge(alarming, silent, panel, always_compare)
    verdicts = dict.fromkeys(rows, Verdict.UNCHECKED)
    if case is not Case.QUIET:
        verdicts.update(_verdicts([*alarming, *silent], kept))
    if review and banned and kept:
        verdicts.update(_verdicts(banned, panel.alike(banned, to=kept)))
    return Decision(
        case,
        accepted=tuple(row in kept for row in rows),
        verdicts=tuple(verdicts[row] for row in rows),
        accuracies=tuple(panel.measured.get(row) for row in rows),
    )


def _judge(alarming: Rows, silent: Rows, panel: "_Panel", always_compare: bool) -> tuple[Case, Rows]:
    """The case, and the rows to aggregate."""
    if not alarming:
        return Case.QUIET, silent
    alike = panel.alike(alarming, to=alarming)
    similar = len(alike) == len(alarming)
    if (similar or always_compare) and silent and panel.margin(alarming) <= panel.best(silent):
        return Case.FALSE_ALARMS, panel.alike(silent, to=silent)
    return Case.TRUE_ALARMS if similar else Case.DIVERGENT, alike


def _verdicts(rows: Rows, benign: Rows) -> dict[int, Verdict]:
    return {row: Verdict.BENIGN if row in benign else Verdict.MALICIOUS for row in rows}


class _Panel:
    """Compares rows, and measures no row twice."""

    def __init__(self, evidence: Evidence, c_s: float, weight_check: bool) -> None:
        self.evidence = evidence
        self.c_s = c_s
        self.weight_check = weight_check
        self.measured: dict[int, float] = {}

    def accuracy(self, row: int) -> float:
        if row not in self.measured:
            self.measured[row] = self.evidence.accuracy(row)
        return self.measured[row]

    def best(self, rows: Rows) -> float:
        """The highest accuracy."""
        return max(self.accuracy(row) for row in rows)

    def margin(self, rows: Rows) -> float:
        """What the others are held against: max * (1 - C_s)."""
        return self.best(rows) * (1 - self.c_s)

    def alike(self, rows: Rows, to: Rows) -> list[int]:
        """Those within the margin of the most accurate of the rows `to` that pass the weight check against it."""
        best, margin = self.best(to), self.margin(to)
        leaders = [row for row in to if self.accuracy(row) == best]
        # The second comparison matters at accuracy zero only, where the margin is not below the best.
        near = [row for row in rows if margin < self.accuracy(row) or self.accuracy(row) == best]
        return [row for row in near if self._agrees(row, leaders)]

    def _agrees(self, row: int, leaders: Rows) -> bool:
        return not self.weight_check or any(self.evidence.agrees(row, leader) for leader in leaders)
