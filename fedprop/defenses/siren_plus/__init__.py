"""SIREN+ (Guo et al. 2024): clients alarm the server when the global model got worse, and the server finds out why.

Everything here is a pure function: no message, no clock. The simulator plays the protocol (`defenses/protocol.py`).

- `config.py`: the settings, with the defaults of the paper, and the protocol that they make.
- `alarm.py`: what clients report.
- `client.py`: when they alarm, and where training starts.
- `evidence.py`: what may be asked about an update: how accurate its model is, whether two updates point the same way.
- `decision.py`: the alarms and the evidence decide between four cases, which updates are accepted, and the rollback.
- `bans.py`: penalties for updates found malicious, awards for banned clients found benign.
"""

from fedprop.defenses.siren_plus.alarm import AlarmStatus
from fedprop.defenses.siren_plus.bans import AwardTo, Record, tally
from fedprop.defenses.siren_plus.client import AlarmingClients
from fedprop.defenses.siren_plus.config import ShareOfRounds, SirenPlus
from fedprop.defenses.siren_plus.decision import Case, Decision, Verdict, decide
from fedprop.defenses.siren_plus.evidence import Evidence, RootTest

__all__ = [
    "AlarmStatus",
    "AlarmingClients",
    "AwardTo",
    "Case",
    "Decision",
    "Evidence",
    "Record",
    "RootTest",
    "ShareOfRounds",
    "SirenPlus",
    "Verdict",
    "decide",
    "tally",
]
