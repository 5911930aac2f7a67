"""Defenses that run a whole round on the server: who may send, what is accepted, and what comes of it.

A defense is opened with the clients invited, is handed messages one by one, and is closed for the aggregate. `Guarded`
is the plain one: it puts a correct machine around any aggregation rule.

A `RoundProtocol` is a defense that takes clients too, such as `SirenPlus`: the simulator plays it message by message.
"""

from fedprop.defenses import catalogue
from fedprop.defenses.base import Closed, Defense
from fedprop.defenses.catalogue import *
from fedprop.defenses.choice import PROTOCOLS, DefenseChoice
from fedprop.defenses.guarded import Guarded
from fedprop.defenses.protocol import Beginning, Judged, LocalTest, Replies, RoundProtocol, Ruling, Screened, Step
from fedprop.defenses.rollback import Lineage, rebase
from fedprop.registry import names_of

__all__ = [
    "PROTOCOLS",
    "Beginning",
    "Closed",
    "Defense",
    "DefenseChoice",
    "Guarded",
    "Judged",
    "Lineage",
    "LocalTest",
    "Replies",
    "RoundProtocol",
    "Ruling",
    "Screened",
    "Step",
    "rebase",
    *names_of(catalogue),
]
