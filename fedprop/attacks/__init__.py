"""Attacks, one per file. An attack is handed the rule it is crafted against and never imports one.

Rows are updates, local model minus received global model, so the received model is the zero row.
"""

from fedprop.attacks import catalogue
from fedprop.attacks.active_rounds import ActiveRounds
from fedprop.attacks.backdoors import (
    BACKDOORS,
    Backdoor,
    DistributedTrigger,
    EdgeCase,
    ForeignDigits,
    PixelTrigger,
    Semantic,
)
from fedprop.attacks.base import Attack, Constraint, Reports
from fedprop.attacks.catalogue import *
from fedprop.attacks.facts import of_attack
from fedprop.attacks.krum_lambda import lambda_bound, solve_lambda
from fedprop.attacks.reply import Reply
from fedprop.attacks.view import Assumed, Knowledge, View
from fedprop.attacks.workshop import Workshop
from fedprop.registry import Registry, listed, names_of

ATTACKS: Registry[Attack] = Registry("attacks", Attack, listed(catalogue, Attack), of_attack)
"""Every attack by its `kind`, those of other installed packages included."""

__all__ = [
    "ATTACKS",
    "BACKDOORS",
    "ActiveRounds",
    "Assumed",
    "Attack",
    "Backdoor",
    "Constraint",
    "DistributedTrigger",
    "EdgeCase",
    "ForeignDigits",
    "Knowledge",
    "PixelTrigger",
    "Reply",
    "Reports",
    "Semantic",
    "View",
    "Workshop",
    "lambda_bound",
    "solve_lambda",
    *names_of(catalogue),
]
