"""What has a name in a file: settings of some `kind`, and configurations of it that are worth trying."""

from typing import Self

from fedprop.settings.frozen import Frozen


class Kind(Frozen):
    """Base of all that a registry holds.

    Attributes
    ----------
    kind : the name by which a file asks for it.
    """

    kind: str

    @classmethod
    def examples(cls) -> tuple[Self, ...]:
        """Configurations worth trying: specs, tests and pages try all of them, because they are listed.

        The one made without settings, unless a class says otherwise; a class that cannot be made without must.
        """
        return (cls(),)  # type: ignore[call-arg]  # a class whose settings are required overrides this
