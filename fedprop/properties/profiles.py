"""How hard Hypothesis tries: quickly and the same every time, thoroughly and always differently, or for existence."""

import os

from hypothesis import HealthCheck, Phase, settings


def load_profile() -> None:
    """Load the Hypothesis profile that the environment variable FEDPROP_PROFILE names; `fast` if it names none.

    `fast` tries 60 examples, the same in every run; `thorough` tries 1000, new ones each time; `first` tries those of
    `fast` and leaves what it finds as it is, for when only the failure counts. None has a deadline, as no test may
    depend on the speed of the machine.
    """
    any_speed = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
    settings.register_profile("fast", any_speed, max_examples=60, derandomize=True)
    first = settings(any_speed, max_examples=60, derandomize=True, phases=[Phase.explicit, Phase.generate])
    settings.register_profile("first", first)
    settings.register_profile("thorough", any_speed, max_examples=1000, derandomize=False)
    settings.load_profile(os.environ.get("FEDPROP_PROFILE", "fast"))
