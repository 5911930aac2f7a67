"""Transformers from a local folder, as Hugging Face's library of that name reads them."""

import copy
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Annotated, Any, Literal, Self

import torch
from pydantic import Field, PositiveInt
from torch import Tensor, nn

from fedprop.data.encodings.base import PADDING
from fedprop.errors import InvalidConfig
from fedprop.models.base import ModelSpec
from fedprop.models.recurrent import token_shape
from fedprop.types import Frozen, Positive

LOADERS = {"classification": "AutoModelForSequenceClassification", "next_token": "AutoModelForCausalLM"}
"""What is learnt, and the class of transformers whose outputs are the logits of that."""

ADAPTED = {"classification": "SEQ_CLS", "next_token": "CAUSAL_LM"}
"""What is learnt, by peft's name for it: where examples are classified, the new last layer is trained, too."""

Setting = bool | int | float | str


class Lora(Frozen):
    """Low-rank adapters: a layer W x becomes W x + (alpha / rank) B A x, and A and B alone are trained.

    Source: Hu et al., ICLR 2022, section 4.1; B begins at zero. Made by peft.

    Attributes
    ----------
    rank : the rows of A.
    alpha : how much the adapters count.
    dropout : the share of an adapter's inputs dropped in training.
    targets : the names of the layers that get one; None for all linear layers but the last.
    """

    rank: PositiveInt = 8
    alpha: Positive = 16.0
    dropout: Annotated[float, Field(ge=0.0, lt=1.0)] = 0.0
    targets: tuple[str, ...] | None = None


class HuggingFace(ModelSpec):
    """Any model of transformers in a local folder: its `config.json` and, unless `random`, `model.safetensors`.

    Nothing is downloaded, no code of the folder is run, and no pickle is read. Inputs are token ids [n, T], of which 0
    is padding that nothing attends to; `encoding: tokenizer` reads a folder's own tokens. With `lora` clients train and
    send adapters, and where inputs are classified a new last layer; all else is a constant that no row holds and that
    all copies share. Most of these models ask whether a mask hides anything, so that `vmap` cannot stack them: clients
    train in threads.

    Needs the extra `huggingface`.

    Attributes
    ----------
    path : the folder.
    task : `classification` of whole inputs, or `next_token`.
    lora : adapters; None to train everything.
    random : whether weights are drawn from the seed instead of read.
    config : settings of the folder's `config.json` to have otherwise, such as `{hidden_dropout_prob: 0.0}`.
    """

    kind: Literal["huggingface"] = "huggingface"
    path: Annotated[str, Field(min_length=1)]
    task: Literal["classification", "next_token"] = "classification"
    lora: Lora | None = None
    random: bool = False
    config: dict[str, Setting] = Field(default_factory=dict)

    @classmethod
    def examples(cls) -> tuple[Self, ...]:
        return (cls(path="model"), cls(path="model", task="next_token", lora=Lora(rank=4), random=True))

    def module(self, shape: tuple[int, ...], classes: int) -> nn.Module:
        token_shape(shape, "HuggingFace")
        folder = Path(self.path)
        if not (folder / "config.json").is_file():
            raise InvalidConfig(f"`model.path` must be a folder with a config.json for HuggingFace; found {self.path}")
        with _quiet(_library("transformers")) as transformers:
            inner = self._adapted(self._loaded(transformers, folder, classes))
        return Transformer(inner, classes)

    def _loaded(self, transformers: Any, folder: Path, classes: int) -> nn.Module:
        labels = {"num_labels": classes} if self.task == "classification" else {}
        own = {"pad_token_id": PADDING, **labels, **self.config}
        config = transformers.AutoConfig.from_pretrained(folder, local_files_only=True, **own)
        if self.task == "next_token" and config.vocab_size < classes:
            wanted = f"a vocabulary of at least {classes} for the tokens of the data"
            raise InvalidConfig(f"`model.path` must hold {wanted}; found {config.vocab_size} in {folder}")
        loader = getattr(transformers, LOADERS[self.task])
        how = {"dtype": torch.float32}
        made: nn.Module = (
            loader.from_config(config, **how)
            if self.random
            else loader.from_pretrained(folder, config=config, local_files_only=True, use_safetensors=True, **how)
        )
        return made

    def _adapted(self, inner: nn.Module) -> nn.Module:
        if self.lora is None:
            return inner
        peft: Any = _library("peft")
        adapters = peft.LoraConfig(
            r=self.lora.rank,
            lora_alpha=self.lora.alpha,
            lora_dropout=self.lora.dropout,
            target_modules="all-linear" if self.lora.targets is None else [*self.lora.targets],
            task_type=ADAPTED[self.task],
        )
        adapted: nn.Module = peft.get_peft_model(inner, adapters)
        return adapted


class Transformer(nn.Module):
    """A model of transformers as a function of token ids; what it does not train are constants, shared by copies."""

    def __init__(self, inner: nn.Module, answers: int) -> None:
        super().__init__()
        self.inner, self.answers = inner, answers
        for part in inner.modules():
            for name, parameter in [*part.named_parameters(recurse=False)]:
                if not parameter.requires_grad:
                    delattr(part, name)
                    part.register_buffer(name, parameter.detach(), persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        """From ids to logits, [n, answers] or [n, T, answers]; the first token of an input is never padding."""
        real = (x != PADDING) | (torch.arange(x.shape[-1], device=x.device) == 0)
        logits: Tensor = self.inner(input_ids=x, attention_mask=real.long()).logits
        return logits[..., : self.answers]

    def __deepcopy__(self, memo: dict[int, Any]) -> "Transformer":
        made = type(self).__new__(type(self))
        memo[id(self)] = made
        kept = self.state_dict(keep_vars=True).keys()
        memo.update({id(value): value for name, value in self.named_buffers() if name not in kept})
        made.__dict__.update(copy.deepcopy(self.__dict__, memo))
        return made


def _library(name: str) -> ModuleType:
    """A library of the extra, which takes seconds to import."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return __import__(name)
    except ImportError as error:
        extra = "pip install 'fedprop[huggingface]'"
        raise InvalidConfig(f"`model`: HuggingFace needs the package {name}, {extra}; found {error}") from None


@contextmanager
def _quiet(transformers: Any) -> Iterator[Any]:
    """Without progress bars, and without remarks on layers that are new, as the last one is meant to be."""
    logging = transformers.utils.logging
    before = logging.get_verbosity()
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", FutureWarning)
            yield transformers
    finally:
        logging.set_verbosity(before)
        logging.enable_progress_bar()
