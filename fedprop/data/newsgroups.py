"""20 Newsgroups, read from the folders of its edition by date."""

from pathlib import Path
from typing import ClassVar, Literal, Self

from fedprop.data.corpus import Corpus, Texts
from fedprop.data.encodings import ByteIds, WordIds
from fedprop.data.folder import dataset_folder, files_in, read_file, unavailable

FOLDER = "20news-bydate-{part}"


class Newsgroups(Corpus):
    """Postings to twenty newsgroups, in the edition sorted by date: 11314 for training, 7532 for testing.

    Read from `<data_dir>/newsgroups/20news-bydate-{train,test}/<group>/<number>`, in Latin-1, as they are. Groups are
    numbered by name.

    Source: Lang, "NewsWeeder: Learning to Filter Netnews", ICML 1995; Table 5 of Han et al. 2024 (FedSecurity) has them
    for BERT.
    """

    kind: Literal["newsgroups"] = "newsgroups"
    classes: ClassVar[int] = 20

    @classmethod
    def examples(cls) -> tuple[Self, ...]:
        return (cls(), cls(encoding=WordIds()), cls(encoding=ByteIds(), next_token=True))

    def texts(self, data_dir: Path | None, seed: int) -> tuple[Texts, Texts]:
        name = f"{FOLDER.format(part='train')}/<group>/<number>"
        root = dataset_folder(self.kind, data_dir, name)
        train, test = (files_in(self.kind, root, f"{FOLDER.format(part=part)}/*/*") for part in ("train", "test"))
        groups = sorted({path.parent.name for path in train})
        if len(groups) != self.classes or groups != sorted({path.parent.name for path in test}):
            raise unavailable(self.kind, name, root, f"{len(groups)} groups to train on, or others to test on")
        return self._read(train, groups), self._read(test, groups)

    def _read(self, paths: list[Path], groups: list[str]) -> Texts:
        texts = [read_file(self.kind, path.parent, path.name, lambda raw: raw.decode("latin1")) for path in paths]
        return Texts(texts, [groups.index(path.parent.name) for path in paths])
