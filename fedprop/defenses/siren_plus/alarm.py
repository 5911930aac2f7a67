"""What SIREN+'s clients report."""

from typing import Annotated, Literal

from pydantic import Field

from fedprop.messages import Report


class AlarmStatus(Report):
    """Client to server, before it trains: whether it holds the global model it was sent for poisoned.

    Source: Guo et al. 2024 (SIREN+), Algorithm 1, line 8: A_t.

    Attributes
    ----------
    version : the global version it judges.
    alarm : True for an alarm; False says that the model is fine.
    """

    kind: Literal["alarm_status"] = "alarm_status"
    alarm: Annotated[bool, Field(strict=True)]

    @property
    def value(self) -> float:
        """1 for an alarm."""
        return float(self.alarm)
