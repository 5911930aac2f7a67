"""Models of transformers, from a folder with a tiny one; nothing is downloaded."""

import copy
import json

import pytest
import torch

from fedprop.data import ByteIds, Dataset, Examples, Tokenizer
from fedprop.errors import InvalidConfig
from fedprop.experiments.experiment import Experiment
from fedprop.experiments.runner import run
from fedprop.models import HuggingFace, Lora
from fedprop.params import ParameterLayout, copy_module
from fedprop.training import LocalTraining, Shards, Ticket, make_engine

transformers = pytest.importorskip("transformers", reason="needs the extra `huggingface`")
pytest.importorskip("peft", reason="needs the extra `huggingface`")

SMALL = {"vocab_size": 40, "hidden_size": 8, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 12}
WORDS = {"[PAD]": 0, "[CLS]": 1, "[SEP]": 2, "[UNK]": 3, "round": 4, "client": 5}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A BERT without dropout, its weights, and a tokenizer of a few words."""
    path = tmp_path_factory.mktemp("bert")
    config = transformers.BertConfig(
        **SMALL, max_position_embeddings=16, hidden_dropout_prob=0.0, attention_probs_dropout_prob=0.0
    )
    torch.manual_seed(0)
    transformers.BertModel(config).save_pretrained(path)
    (path / "tokenizer.json").write_text(
        json.dumps(
            {
                "version": "1.0",
                "model": {"type": "WordLevel", "vocab": WORDS, "unk_token": "[UNK]"},
                "pre_tokenizer": {"type": "Whitespace"},
                "post_processor": {"type": "BertProcessing", "sep": ["[SEP]", 2], "cls": ["[CLS]", 1]},
                "added_tokens": [],
            }
        )
    )
    return path


@pytest.fixture(scope="module")
def speaker(tmp_path_factory):
    """The settings alone of a GPT-NeoX."""
    path = tmp_path_factory.mktemp("neox")
    transformers.GPTNeoXConfig(**SMALL, max_position_embeddings=16).save_pretrained(path)
    return path


def ids(n=12, length=6):
    return torch.randint(1, 40, (n, length), generator=torch.Generator().manual_seed(0))


def test_a_folder_is_a_model_with_a_new_last_layer(folder):
    module = HuggingFace(path=str(folder)).build((6,), 3, seed=0)
    (file,) = folder.glob("*.safetensors")
    assert ParameterLayout.of(module).size == sum(p.numel() for p in module.parameters())
    assert file.stat().st_size > 4 * 40 * 8
    read = transformers.BertModel.from_pretrained(folder).embeddings.word_embeddings.weight
    assert torch.equal(module.inner.bert.embeddings.word_embeddings.weight, read)
    again = HuggingFace(path=str(folder)).build((6,), 3, seed=0)
    assert all(map(torch.equal, module.state_dict().values(), again.state_dict().values()))
    other = HuggingFace(path=str(folder), random=True).build((6,), 3, seed=0)
    assert not torch.equal(other.inner.bert.embeddings.word_embeddings.weight, read)
    x = ids()
    assert module.eval()(x).shape == (12, 3)
    padded = torch.cat([x, torch.zeros_like(x)], dim=1)
    torch.testing.assert_close(module(padded), module(x))
    assert torch.isfinite(module(torch.zeros_like(x))).all()


def test_rows_are_adapters_and_the_rest_is_shared(folder):
    module = HuggingFace(path=str(folder), lora=Lora(rank=2, targets=("query", "value"))).build((6,), 3, seed=0)
    layout = ParameterLayout.of(module)
    # Twice A and B of rank 2 between 8 and 8, and the last layer.
    assert (layout.size, int(layout.trainable.sum())) == (2 * 2 * (8 + 8) + 3 * 8 + 3,) * 2
    plain = HuggingFace(path=str(folder)).build((6,), 3, seed=0)
    torch.testing.assert_close(module.eval()(ids()).shape, plain(ids()).shape)
    own = copy_module(module)
    query = "inner.base_model.model.bert.encoder.layer.0.attention.self.query"
    base, twin = (part.get_submodule(query).base_layer.weight for part in (module, own))
    assert base is twin
    assert own.get_submodule(query).lora_A["default"].weight is not module.get_submodule(query).lora_A["default"].weight
    assert torch.equal(copy.deepcopy(own)(ids()), module(ids()))


@pytest.mark.parametrize("lora", [None, Lora(rank=2)])
def test_clients_learn_in_threads_what_they_learn_alone(folder, lora):
    x = ids()
    shards = Shards(Examples(x, x[:, 0] % 3), (torch.arange(5), torch.arange(5, 12)))
    module = HuggingFace(path=str(folder), lora=lora).build((6,), 3, seed=0)
    config, origin = LocalTraining(lr=0.5, epochs=1, batch_size=3), ParameterLayout.of(module).flatten(module)
    found = []
    for engine in ("sequential", "auto"):
        train = make_engine(module, shards, config.but(engine=engine), 0)
        found.append(torch.stack([done.update for done in train([Ticket(0, 0, origin), Ticket(1, 1, origin)])]))
    assert found[0].norm() > 0.01
    assert torch.equal(*found)


def test_a_language_model_speaks_of_the_past_alone_and_is_trained(speaker):
    model = {"kind": "huggingface", "path": str(speaker), "task": "next_token", "random": True, "lora": {"rank": 2}}
    module = HuggingFace.model_validate(model).build((6,), 30, seed=0).eval()
    x = ids(1)
    changed = x.clone()
    changed[0, 3] = 1 + x[0, 3] % 39
    assert module(x).shape == (1, 6, 30)
    assert (module(changed) != module(x)).any(dim=2)[0].tolist() == [False] * 3 + [True] * 3
    data = Dataset("mine", Examples(ids(40) % 30, ids(40) % 30), Examples(x % 30, x % 30), 30, sequences=True)
    outcome = run(
        Experiment(rounds=2, clients=4, model=model, task="next_token", defense={"kind": "krum", "f": 0}), dataset=data
    )
    assert not any(record.failure for record in outcome.rounds)


def test_what_cannot_be_read_is_refused(folder, speaker, tmp_path, monkeypatch):
    for model, sentence in (
        (HuggingFace(path=str(tmp_path)), "`model.path` must be a folder with a config.json for HuggingFace; found"),
        (HuggingFace(path=str(speaker), task="next_token", random=True), "must hold a vocabulary of at least 99 for"),
    ):
        with pytest.raises(InvalidConfig, match=sentence):
            model.build((6,), 99, seed=0)
    with pytest.raises(InvalidConfig, match=r"`encoding\.path` must be a folder with a tokenizer\.json"):
        Tokenizer(path=str(speaker)).encode(["round"])
    monkeypatch.setitem(__import__("sys").modules, "transformers", None)
    with pytest.raises(InvalidConfig, match=r"needs the package transformers, pip install 'fedprop\[huggingface\]'"):
        HuggingFace(path=str(folder)).build((6,), 3, seed=0)


def test_tokens_are_those_of_the_folder(folder):
    encoding = Tokenizer(path=str(folder), length=4)
    assert encoding.encode(["round", "client round what round"]).tolist() == [[1, 4, 2, 0], [1, 5, 4, 2]]
    assert (encoding.ids("round what"), encoding.vocabulary) == ([4, 3], 6)
    assert ByteIds(length=4).vocabulary == 257
