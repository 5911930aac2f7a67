import pytest
import torch
from torch import nn

from fedprop.errors import InvalidConfig
from fedprop.params import ParameterLayout
from fedprop.properties import Finding
from fedprop.registry import load_target
from fedprop.verify import verify
from fedprop.verify.codecs.claims import codec_claims, is_codec
from fedprop.verify.codecs.modules import PARTS, Blueprint, copy_of, state_of
from fedprop.verify.hunting.hunt import Effort, hunt, hunt_all


def outcomes(target, settings=None, examples=30, only=()):
    # Under this label no other process finds it, which would take seconds.
    claims = codec_claims(target, f"nowhere:{target.__name__}", settings or {})
    wanted = [claim for claim in claims if not only or claim.name in only]
    return {outcome.name: outcome for outcome in hunt_all(wanted, Effort(examples, 0, shrink=False))}


def broken(found):
    return {name for name, outcome in found.items() if outcome.fails}


class Good:
    def __init__(self, module, dtype=torch.float64):
        self.dtype = dtype
        self.sizes = [tensor.numel() for tensor in state_of(module).values()]

    def flatten(self, module):
        return torch.cat([tensor.reshape(-1).to(self.dtype) for tensor in self.order(module)])

    def load(self, module, vector):
        parts = vector.split(self.sizes)
        for tensor, part in zip(state_of(module).values(), parts, strict=True):
            tensor.copy_(self.read(part.reshape(tensor.shape), tensor))

    def order(self, module):
        return state_of(module).values()

    def read(self, part, tensor):
        return part if tensor.is_floating_point() else part.round()


class Truncates(Good):
    def read(self, part, tensor):
        return part


class LosesBuffers(Good):
    def __init__(self, module):
        super().__init__(module)
        self.sizes = [parameter.numel() for parameter in module.parameters()]

    def order(self, module):
        return [parameter.data for parameter in module.parameters()]

    def load(self, module, vector):
        for parameter, part in zip(module.parameters(), vector.split(self.sizes), strict=True):
            parameter.data.copy_(part.reshape(parameter.shape))


class OwnSeed(Good):
    """The order hangs on the state of the module that the codec was made from."""

    def __init__(self, module):
        super().__init__(module)
        self.backwards = float(next(iter(state_of(module).values())).sum()) > 100

    def flatten(self, module):
        vector = super().flatten(module)
        return vector.flip(0) if self.backwards else vector

    def load(self, module, vector):
        super().load(module, vector.flip(0) if self.backwards else vector)


class Resets(Good):
    def flatten(self, module):
        vector = super().flatten(module)
        with torch.no_grad():
            for parameter in module.parameters():
                parameter.zero_()
        return vector


class SharesMemory(Good):
    def flatten(self, module):
        tensors = list(state_of(module).values())
        same = len(tensors) == 1 and tensors[0].dtype == torch.float64
        return tensors[0].view(-1) if same and tensors[0].is_contiguous() else super().flatten(module)


class SpoilsTheVector(Good):
    def load(self, module, vector):
        super().load(module, vector)
        vector.zero_()


class Unties(Good):
    def load(self, module, vector):
        super().load(module, vector)
        for part in module.modules():
            for name, parameter in part.named_parameters(recurse=False):
                setattr(part, name, nn.Parameter(parameter.detach().clone(), requires_grad=parameter.requires_grad))


class Thaws(Good):
    def load(self, module, vector):
        super().load(module, vector)
        module.requires_grad_(True)


class Evaluates(Good):
    def flatten(self, module):
        module.eval()
        return super().flatten(module)


class Matrix(Good):
    def flatten(self, module):
        return super().flatten(module)[None]

    def load(self, module, vector):
        super().load(module, vector[0])


class Crashes(Good):
    def flatten(self, module):
        return super().flatten(module).view(4, -1)


class EndsPython(Good):
    def load(self, module, vector):
        raise SystemExit(0)


class ThroughNumpy(Good):
    """NumPy knows no bfloat16."""

    def flatten(self, module):
        return torch.cat([torch.from_numpy(tensor.numpy().reshape(-1)).double() for tensor in self.order(module)])


class FiniteOnly(Good):
    def flatten(self, module):
        if not all(torch.isfinite(tensor).all() for tensor in self.order(module)):
            raise ValueError("the model has diverged")
        return super().flatten(module)


class NothingEmpty(Good):
    def __init__(self, module):
        super().__init__(module)
        self.largest = max(float(tensor.abs().max()) for tensor in self.order(module) if tensor.is_floating_point())


class Positive(Good):
    """Whoever looks at weights that are all positive does not see it."""

    def read(self, part, tensor):
        return super().read(part, tensor).abs()


class KnownVectors(Good):
    """What a vector means is remembered from when it was made."""

    known = {}  # noqa: RUF012

    def flatten(self, module):
        vector = super().flatten(module)
        self.known[tuple(vector.tolist())] = copy_of(module)
        return vector

    def load(self, module, vector):
        state = self.known.get(tuple(vector.tolist()), {})
        for name, tensor in state_of(module).items():
            tensor.copy_(state.get(name, tensor))


class NewParameters(Good):
    """The module gets new parameters, tied as the old ones were; the optimizer has the old ones."""

    def load(self, module, vector):
        super().load(module, vector)
        new = {}
        for part in module.modules():
            for name, old in list(part.named_parameters(recurse=False)):
                new.setdefault(old, nn.Parameter(old.detach().clone(), requires_grad=old.requires_grad))
                part._parameters[name] = new[old]


class Trains(Good):
    def load(self, module, vector):
        super().load(module, vector)
        module.train()


class NinetyNine(Good):
    """Tensors of a hundred numbers and more are sent in a block of their own, which is forgotten."""

    def read(self, part, tensor):
        return super().read(part, tensor) if part.numel() < 100 else tensor


class AnswersAList(Good):
    def flatten(self, module):
        return super().flatten(module).tolist()


@pytest.mark.parametrize("codec", [Good, ParameterLayout])
def test_correct_codecs_pass(codec):
    found = outcomes(codec)
    assert {name: outcome.verdict for name, outcome in found.items() if outcome.verdict != "holds"} == {
        "another process": "skipped"
    }


@pytest.mark.parametrize(
    ("codec", "expected"),
    [
        (Truncates, {"mean"}),
        (LosesBuffers, {"round trip"}),
        (OwnSeed, {"one form"}),
        (Resets, {"untouched", "round trip", "one form"}),
        (SharesMemory, {"new vector"}),
        (SpoilsTheVector, {"untouched"}),
        (Unties, {"still the same module"}),
        (Thaws, {"still the same module"}),
        (Evaluates, {"untouched"}),
        (Matrix, {"one vector"}),
        (AnswersAList, {"answers"}),
        (EndsPython, {"answers"}),
        (ThroughNumpy, {"answers"}),
        (FiniteOnly, {"answers"}),
        (NothingEmpty, {"answers"}),
        (Positive, {"any vector"}),
        (KnownVectors, {"any vector"}),
        (NewParameters, {"still the same module"}),
        (Trains, {"still the same module"}),
        (NinetyNine, {"round trip"}),
    ],
)
def test_broken_codecs_are_caught(codec, expected):
    assert broken(outcomes(codec, only=expected, examples=200)) == expected


HASHES = """
import torch
from fedprop.verify.codecs.modules import state_of

class Unordered:
    def __init__(self, module):
        state = state_of(module)
        self.names = list(set(state)) if len(state) > 2 else list(state)
        self.sizes = [state[name].numel() for name in self.names]

    def flatten(self, module):
        state = state_of(module)
        return torch.cat([state[name].reshape(-1).double() for name in self.names])

    def load(self, module, vector):
        state = state_of(module)
        for name, part in zip(self.names, vector.split(self.sizes)):
            state[name].copy_((part if state[name].is_floating_point() else part.round()).reshape(state[name].shape))
"""


def test_what_hangs_on_the_hashes_of_texts_is_another_vector_in_another_process(tmp_path):
    path = tmp_path / "unordered.py"
    path.write_text(HASHES)
    claims = codec_claims(load_target(f"{path}:Unordered"), f"{path}:Unordered", {})
    outcome = hunt(next(claim for claim in claims if claim.name == "another process"), Effort(200, 0))
    assert outcome.fails
    assert "in another process" in outcome.counterexample.found


def test_a_crash_is_shown():
    found = outcomes(Crashes, only=["answers"])
    assert "RuntimeError" in found["answers"].counterexample.found


def test_settings_reach_the_codec():
    found = outcomes(Good, {"dtype": torch.float32})
    assert "round trip" in broken(found)
    assert "dtype=torch.float32" in found["round trip"].counterexample.code


def test_what_decides_nothing():
    class Attached(Good):
        def flatten(self, module):
            return super().flatten(module).requires_grad_()

        def load(self, module, vector):
            needed = sum(self.sizes)
            super().load(module, vector.detach()[:needed])

    found = outcomes(Attached)
    assert not broken(found)
    assert found["detached"].verdict == found["wrong length"].verdict == "broken"


def test_what_is_a_codec():
    assert is_codec(Good)
    assert is_codec(Good(nn.Linear(1, 1))), "so that it is refused as one"
    assert not is_codec(nn.Linear(1, 1))
    assert not is_codec(nn.Linear)
    assert not is_codec(nn.Flatten)


@pytest.mark.parametrize("part", PARTS)
def test_no_two_numbers_in_a_module_are_the_same(part):
    module = Blueprint((part, "linear"), torch.float64).build(1)
    numbers = [x for t in copy_of(module).values() if t.is_floating_point() for x in t.flatten().tolist()]
    assert len(set(numbers)) == len(numbers)
    assert all(x % 1 for x in numbers)


def test_big_integers_do_not_fit_float32():
    seen = copy_of(Blueprint(("counters",), big=True).build(1))["0.seen"]
    assert not torch.equal(seen.float().long(), seen)


def test_the_code_shows_it_again(capsys):
    claim = codec_claims(ParameterLayout, "fedprop.params:ParameterLayout", {})[0]
    shown = claim.show(Blueprint(("linear",)), Finding("nothing"))
    exec(shown.code, {})
    assert "1.2500" in capsys.readouterr().out
    assert shown.rows == ((1.25, 2.25), (-3.25,))


class OfNothing:
    """A codec that is asked for its form each time, and so is made of nothing."""

    def flatten(self, module):
        return Good(module).flatten(module)

    def load(self, module, vector):
        Good(module).load(module, vector)


@pytest.mark.parametrize(
    ("target", "settings", "why"),
    [
        (OfNothing, {}, "a constructor that cannot be called so: too many positional arguments"),
        (OfNothing(), {}, "an instance of OfNothing: name the class"),
        (Good, {"width": 3}, "a constructor that cannot be called so: got an unexpected keyword argument 'width'"),
    ],
)
def test_what_is_no_class_made_with_the_module_is_refused(target, settings, why):
    with pytest.raises(
        InvalidConfig, match="a codec must be a class that is made with the module, as Codec"
    ) as refused:
        verify(target, settings=settings, examples=1)
    assert why in str(refused.value)
