"""PubMedQA, read from the file of its labelled questions."""

import json
from pathlib import Path
from typing import Annotated, ClassVar, Literal, NamedTuple, Self

import torch
from pydantic import Field

from fedprop.data.corpus import Corpus, Texts
from fedprop.data.encodings import ByteIds
from fedprop.data.folder import dataset_folder, read_file
from fedprop.rng import generator

FILE = "ori_pqal.json"

DECISIONS = ("yes", "no", "maybe")


class _Question(NamedTuple):
    asked: str
    answer: str
    decision: int


class PubMedQA(Corpus):
    """A thousand questions on abstracts of medical papers, answered by yes, no or maybe.

    Read from `<data_dir>/pubmedqa/ori_pqal.json`. A text is the question and its abstract without the conclusion; where
    the next token is learnt, the conclusion and the decision follow. The paper sets 500 questions aside for testing;
    which ones, that file does not tell, so that the seed decides.

    Attributes
    ----------
    test_fraction : the share of the questions that are for testing.

    Source: Jin, Dhingra, Liu, Cohen and Lu, "PubMedQA: A Dataset for Biomedical Research Question Answering", EMNLP
    2019; Han et al. 2024 (FedSecurity), Experiment 9, for the text that is learnt.
    """

    kind: Literal["pubmedqa"] = "pubmedqa"
    classes: ClassVar[int] = len(DECISIONS)
    test_fraction: Annotated[float, Field(ge=0.01, le=0.99)] = 0.5

    @classmethod
    def examples(cls) -> tuple[Self, ...]:
        return (cls(), cls(encoding=ByteIds(), next_token=True))

    def texts(self, data_dir: Path | None, seed: int) -> tuple[Texts, Texts]:
        questions = read_file(self.kind, dataset_folder(self.kind, data_dir, FILE), FILE, _questions)
        order = torch.randperm(len(questions), generator=generator(seed, "pubmedqa split")).tolist()
        cut = len(order) - max(1, round(self.test_fraction * len(order)))
        return self._told([questions[i] for i in order[:cut]]), self._told([questions[i] for i in order[cut:]])

    def _told(self, questions: list[_Question]) -> Texts:
        texts = [f"{one.asked}\n{one.answer}" if self.next_token else one.asked for one in questions]
        return Texts(texts, [one.decision for one in questions])


def _questions(raw: bytes) -> list[_Question]:
    try:
        found = [_question(entry) for _, entry in sorted(json.loads(raw).items())]
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"questions as PubMedQA lays them out expected, found {error!r}") from None
    if len(found) < 2:
        raise ValueError(f"two questions or more expected, found {len(found)}")
    return found


def _question(entry: dict[str, object]) -> _Question:
    contexts, decision = entry["CONTEXTS"], entry["final_decision"]
    if not isinstance(contexts, list) or decision not in DECISIONS:
        raise ValueError(f"a list of contexts and a decision out of {DECISIONS} expected, found {decision!r}")
    asked = "\n".join([str(entry["QUESTION"]), *map(str, contexts)])
    return _Question(asked, f"{entry['LONG_ANSWER']}\n{decision}", DECISIONS.index(str(decision)))
