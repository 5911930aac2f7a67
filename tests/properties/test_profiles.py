import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.errors import InvalidArgument

from fedprop.properties.profiles import load_profile


@pytest.fixture(autouse=True)
def _restore(monkeypatch: pytest.MonkeyPatch) -> object:
    before = settings.get_current_profile_name()
    yield
    settings.load_profile(before)


@pytest.mark.parametrize(("name", "examples", "repeatable"), [("fast", 60, True), ("thorough", 1000, False)])
def test_profiles(monkeypatch: pytest.MonkeyPatch, name: str, examples: int, repeatable: bool) -> None:
    monkeypatch.setenv("FEDPROP_PROFILE", name)
    load_profile()
    assert (settings().max_examples, settings().derandomize, settings().deadline) == (examples, repeatable, None)


def test_first_tries_what_fast_tries_and_shrinks_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FEDPROP_PROFILE", "first")
    load_profile()
    found: list[int] = []

    @given(st.integers(0, 1000))
    def test(number: int) -> None:
        found.append(number)
        assert number < 5

    with pytest.raises(AssertionError):
        test()
    assert (settings().max_examples, settings().derandomize, settings().deadline) == (60, True, None)
    assert found[-1] > 5


def test_fast_is_the_default(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("FEDPROP_PROFILE", raising=False)
    load_profile()
    assert settings.get_current_profile_name() == "fast"


def test_an_unknown_profile_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FEDPROP_PROFILE", "lazy")
    with pytest.raises(InvalidArgument, match="lazy"):
        load_profile()
