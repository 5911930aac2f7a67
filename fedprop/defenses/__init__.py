"""Defenses that run a whole round on the server: who may send, what is accepted, and what comes of it.

A defense is opened with the clients invited, is handed messages one by one, and is closed for the aggregate. `Guarded`
is the plain one: it puts a correct machine around any aggregation rule.
"""

from fedprop.defenses.base import Closed, Defense
from fedprop.defenses.guarded import Guarded

__all__ = ["Closed", "Defense", "Guarded"]
