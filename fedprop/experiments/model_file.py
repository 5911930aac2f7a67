"""A model as a file that its module loads."""

import copy
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

from torch import Tensor, nn

from fedprop.experiments.store.tensors import write_tensors
from fedprop.params import ParameterLayout
from fedprop.types import Vector

NOTHING: Mapping[str, str] = MappingProxyType({})


def write_model(path: Path, module: nn.Module, parameters: Vector, *, notes: Mapping[str, str] = NOTHING) -> None:
    """Write a model [d] as the `state_dict` of its module: by name and in its dtypes, tied weights under each name.

    Raises
    ------
    StoreError
        If it cannot be written.
    """
    filled = copy.deepcopy(module)
    ParameterLayout.of(filled).load(filled, parameters.to(next(iter(filled.state_dict().values())).device))
    state = {name: value for name, value in filled.state_dict().items() if isinstance(value, Tensor)}
    write_tensors(path, state, notes=notes)
