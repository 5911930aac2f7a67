"""SIREN+ (Guo et al. 2024): clients alarm the server when the global model got worse, and the server finds out why.

Here is what the server thinks, as pure functions: no model, no message, no clock.

- `config.py`: the settings, with the defaults of the paper.
- `evidence.py`: what may be asked about an update: how accurate its model is, whether two updates point the same way.
- `decision.py`: the alarms and the evidence decide between four cases, which updates are accepted, and the rollback.
- `rollback.py`: the version the server falls back on, and the updates as seen from there.
- `bans.py`: penalties for updates found malicious, awards for banned clients found benign.
"""

from fedprop.defenses.siren_plus.bans import AwardTo, Record, tally
from fedprop.defenses.siren_plus.config import ShareOfRounds, SirenPlus
from fedprop.defenses.siren_plus.decision import Case, Decision, Verdict, decide
from fedprop.defenses.siren_plus.evidence import Evidence, RootTest
from fedprop.defenses.siren_plus.rollback import Lineage, rebase

__all__ = [
    "AwardTo",
    "Case",
    "Decision",
    "Evidence",
    "Lineage",
    "Record",
    "RootTest",
    "ShareOfRounds",
    "SirenPlus",
    "Verdict",
    "decide",
    "rebase",
    "tally",
]
