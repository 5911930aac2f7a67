"""The errors fedprop raises, one for each situation a caller may want to tell apart.

Every message names the parameter, the rule it broke and the value found.
"""


class FedpropError(Exception):
    """Root of all errors raised on purpose by this package."""


class InvalidConfig(FedpropError, ValueError):
    """A configuration, an argument or a command line asks for something that cannot be."""


class InvalidUpdates(FedpropError, ValueError):
    """The updates handed to a rule have the wrong shape or dtype, or hold NaN or infinity."""


class ServerUnknown(InvalidUpdates):
    """A rule asks for what the server knows, and nobody has told it."""


class TooFewUpdates(InvalidUpdates):
    """A rule was given fewer rows than its tolerance `f` needs."""


class WrongAnswer(FedpropError, TypeError):
    """A rule, a stage or an attack answered with something else than it must; the message says what was due."""


class DataUnavailable(FedpropError):
    """A dataset's file is missing or corrupt; the message says what to put where."""


class MalformedMessage(FedpropError, ValueError):
    """Bytes that claim to be a protocol message are not one."""


class Stalled(FedpropError):
    """Every task of a simulation waits and no timer is left that could wake one."""


class RunFailed(FedpropError):
    """A simulation could not go on; the message names the stage."""


class StoreError(FedpropError):
    """A run's or a sweep's folder is missing, damaged, in use, or belongs to another configuration."""


class WriteFailed(StoreError):
    """The disk gave out: what was to be kept could not be written. What was kept before is still there."""
