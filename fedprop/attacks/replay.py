"""Old answers, sent again."""

from typing import Any, Literal, Self

from pydantic import PositiveInt

from fedprop.attacks.base import Attack
from fedprop.attacks.view import View
from fedprop.types import Updates


class Replay(Attack):
    """The replay attack: every compromised client sends, as the answer to a new task, what it learnt in an old one.

    The update is honest, but of a model that is long gone, and the server is told of no staleness: it discounts by the
    version that it gave out itself with the task. Nor can a client lie about that version, since a message that names
    another one than its task is refused (`wrong version`). A message sent again as it is, whose task has been answered,
    is refused as well; so the old update travels in a new message.

    Attributes
    ----------
    age : how many of its own tasks ago the client learnt what it sends; in its first ones it sends the oldest it has.

    Source: no paper's attack; replays are what the nonces of secure protocols are against, and stale updates what
    staleness-weighted rules such as FedAsync (Xie et al. 2019) are to discount.
    """

    kind: Literal["replay"] = "replay"
    age: PositiveInt = 5

    @classmethod
    def examples(cls) -> tuple[Self, ...]:
        return (cls(), cls(age=2))

    def craft(self, view: View) -> Updates:
        """The updates [c, d] to send."""
        rows = view.own.clone()
        for place, client in enumerate(view.clients):
            old = self._kept(view).get(client, [])
            if old:
                rows[place] = old[0].to(rows)
        return rows

    def remember(self, view: View, rows: Updates) -> Any:
        """What each client learnt in its last `age` tasks, the oldest first."""
        kept = dict(self._kept(view))
        for client, row in zip(view.clients, view.own, strict=True):
            kept[client] = [*kept.get(client, []), row.clone()][-self.age :]
        return kept

    def _kept(self, view: View) -> dict[int, Any]:
        return view.state or {}
