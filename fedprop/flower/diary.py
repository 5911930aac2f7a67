"""What happened in a deployment, and when: from the lines that nodes print to the bars of a timeline."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from fedprop.report.figures.deployment import Bar, Mark

_SAID = {
    r"SuperNode ID: (?P<detail>\d+)": "up",
    r"Received successfully": "received",
    r"client \d+: round (?P<round>\d+): training": "training",
    r"client \d+: round (?P<round>\d+): trained": "trained",
    r"Sent successfully": "sent",
}
"""What SuperNodes and exported client apps print, and what it means."""

_ENDS = {
    "received": "communication",
    "training": "start of the client app",
    "trained": "training",
    "stopped": "training",
    "resumed": "stopped",
    "killed": "training",
    "sent": "communication",
}
"""What a node has been doing until this happened."""

SERVER = "server"


class Happened(NamedTuple):
    """One event.

    Attributes
    ----------
    time : seconds since 1970.
    node : the client's number.
    what : `up`, `received`, `training`, `trained`, `sent`, or what was done to it: `killed`, `stopped`, `resumed`.
    round : from 1 on; 0 where the event belongs to none, or does not say.
    detail : of `up` the id under which the server knows the node.
    """

    time: float
    node: int
    what: str
    round: int = 0
    detail: str = ""


def heard(time: float, node: int, line: str) -> Happened | None:
    """What a line that a node printed says; None if nothing of interest.

    >>> heard(5.0, 3, "INFO :      client 3: round 2: trained, loss 0.4")
    Happened(time=5.0, node=3, what='trained', round=2, detail='')
    """
    for pattern, what in _SAID.items():
        if found := re.search(pattern, line):
            said = {"round": "0", "detail": "", **found.groupdict()}
            return Happened(time, node, what, int(said["round"]), said["detail"])
    return None


def bars(events: Iterable[Happened], rounds: Sequence[Mapping[str, Any]], names: Sequence[str]) -> list[Bar]:
    """What everybody was doing, in seconds since the first round began: a server's waiting and the nodes' tasks.

    A node's task begins when the server gives it out, and is over when its reply is sent or it is killed. What it does
    in between is named by the event that ends it.

    Parameters
    ----------
    rounds : those of `rounds.json`.
    names : those of the nodes.
    """
    zero = rounds[0]["when"][0]
    found = []
    for began, came, done in (told["when"] for told in rounds):
        found += [Bar(SERVER, "waiting of the server", began, came), Bar(SERVER, "aggregation", came, done)]
    for node, name in enumerate(names):
        found += _tasks(name, sorted(event for event in events if event.node == node), rounds)
    return [bar._replace(start=bar.start - zero, end=bar.end - zero) for bar in found]


def _tasks(name: str, events: Sequence[Happened], rounds: Sequence[Mapping[str, Any]]) -> Iterator[Bar]:
    since = None
    for event in events:
        if event.what == "received":
            since = max((told["when"][0] for told in rounds if told["when"][0] <= event.time), default=event.time)
        if since is not None and event.what in _ENDS:
            yield Bar(name, _ENDS[event.what], since, event.time)
            since = None if event.what in ("sent", "killed") else event.time


def marks(events: Iterable[Happened], rounds: Sequence[Mapping[str, Any]], names: Sequence[str]) -> list[Mark]:
    """Who was killed, and when, in seconds since the first round began."""
    zero = rounds[0]["when"][0]
    return [Mark(names[event.node], "killed", event.time - zero) for event in events if event.what == "killed"]


def accuracy(rounds: Sequence[Mapping[str, Any]]) -> list[tuple[int, float]]:
    """The test accuracy of the rounds in which there was a test."""
    return [(told["round"], told["test"]["accuracy"]) for told in rounds if "accuracy" in told["test"]]
