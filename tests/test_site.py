"""The pages that `nox -s docs` makes from the registries: what they spell works; and each snippet has a test."""

import contextlib
import doctest
import importlib
import io
import re
from pathlib import Path

import pytest
import torch
import yaml

from fedprop import Experiment
from fedprop.experiments.catalogue import REGISTRIES
from fedprop.experiments.sweep import Sweep

ROOT = Path(__file__).parents[1]
SITE = ROOT / "docs" / "site"
BLOCK = re.compile(r"^```(yaml|python)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


@pytest.fixture
def site(monkeypatch):
    """The modules that make the pages, by name."""
    monkeypatch.syspath_prepend(str(SITE))
    return importlib.import_module


def test_each_kind_has_a_page_and_what_it_spells_is_an_example_of_it(site):
    pages = dict(site("build").generated())
    faults = []
    for registry in site("kind_page").PAGED:
        for kind, cls in registry.kinds.items():
            (_, setting), (_, code), *_ = BLOCK.findall(pages[f"kinds/{registry.family}/{kind}.md"])
            example = cls.examples()[-1]
            *imports, call = code.splitlines()
            namespace = {}
            exec("\n".join(imports), namespace)
            if eval(call, namespace) != example:
                faults.append((kind, call))
            settings = {"clients": 20, "rounds": 2, **yaml.safe_load(setting)}
            if repr(example) not in repr(Experiment.model_validate(settings)):
                faults.append((kind, setting))
    assert faults == []


def test_kinds_of_other_families_stand_on_one_page_each(site):
    pages = dict(site("build").generated())
    paged = site("kind_page").PAGED
    faults = [
        (registry.family, kind)
        for registry in REGISTRIES
        if registry not in paged
        for kind in registry.kinds
        if f"\n## `{kind}`\n" not in pages[f"kinds/{registry.family}.md"]
    ]
    assert faults == []


def test_the_page_of_krum_has_its_contract_definition_misreadings_and_verdicts(site):
    page = dict(site("build").generated())["kinds/aggregators/krum.md"]
    assert "| `translation` | yes |" in page
    assert "| `kappa` | proved: `specs/test_krum_tolerance.py` |" in page
    assert "def krum(rows: Rows, f: int, m: int = 1)" in page
    assert "- **plain distances**" in page
    assert re.search(r"`flwr.serverapp.strategy.Krum` \| 1.41.0 \| \d+ \| precision, translation", page)


def test_each_paper_has_kinds_that_name_it(site):
    papers = site("papers")
    found = {paper.title: [link for link, _, _ in papers.named(paper)] for paper in papers.PAPERS}
    assert len(found) == 5
    assert min(map(len, found.values())) >= 3
    assert "[`siren_plus`](kinds/protocols/siren_plus.md)" in found["Guo et al. 2024: SIREN+"]


def test_docstrings_keep_their_words_and_get_the_markup_that_numpydoc_reads(site):
    for name in ("docstrings", "kind_page"):
        assert doctest.testmod(site(name)).failed == 0
    arranged = site("docstrings").arranged
    formula = [
        "As printed:",
        "",
        "    a_ * b",
        "",
        "Attributes",
        "----------",
        "f : how many,",
        "    in all.",
        "",
        ">>> 1",
    ]
    assert arranged(formula) == [
        *("As printed:", "", "::", "", "        a_ * b", "", "Attributes", "----------"),
        *("f", "    how many,", "    in all.", "", "Examples", "--------", "", ">>> 1", ""),
    ]
    assert arranged(["A list:", "- `a`", "  b_", "- c"]) == ["A list:", "", "- ``a``", "  b\\_", "- c", ""]
    assert "how many" not in "".join(arranged(formula, left_out="Attributes"))


def test_every_name_of_a_door_is_on_its_page_or_has_one(site):
    doors = site("door_page")
    pages = dict(doors.pages())
    for door in doors.doors():
        missing = [name for name in door.__all__ if not re.search(rf"[.`]{name}\b", pages[door.__name__])]
        assert missing == [], door.__name__
    assert "Every rule by its ``kind``." in pages["fedprop.aggregators"]


def test_each_page_with_snippets_is_run_by_a_test(site):
    """By one that names it; pages that are made of the README hold none of their own."""
    build = site("build")
    tests = [path.read_text(encoding="utf-8") for path in ROOT.glob("tests/**/test_*.py")]
    for path in build.standing():
        if path.suffix == ".md" and re.search(r"^```(python|console)$", path.read_text(encoding="utf-8"), re.MULTILINE):
            assert any(f'"{path.name}"' in text for text in tests), path
    for path in (SITE / "pages").glob("*.md"):
        assert not re.search(r"^```(python|console|yaml|bash)$", path.read_text(encoding="utf-8"), re.MULTILINE), path


def test_settings_on_the_pages_are_those_of_an_experiment_or_a_sweep(site):
    """But for those that name a file of one's own, which the tests of its page make."""
    tried = 0
    for path in sorted((ROOT / "docs").glob("*.md")):
        for kind, text in BLOCK.findall(path.read_text(encoding="utf-8")):
            if kind == "yaml" and ".py:" not in text:
                settings = yaml.safe_load(text)
                if "axes" in settings:
                    Sweep.model_validate(settings)
                else:
                    Experiment.model_validate({"clients": 20, "rounds": 20, **settings})
                tried += 1
    assert tried > 10


def test_the_page_on_inference_does_what_it_says(site):
    """A model that answers at random gives nothing away that fifty examples could not show by chance."""
    text = (ROOT / "docs" / "inference.md").read_text(encoding="utf-8")
    [code] = [text for kind, text in BLOCK.findall(text) if kind == "python"]
    namespace = {}
    torch.manual_seed(0)
    with contextlib.redirect_stdout(io.StringIO()) as printed:
        exec(compile(code, "inference.md", "exec"), namespace)
    assert 0.3 < float(printed.getvalue().split()[0]) < 0.7


def test_each_page_is_on_the_menu(site):
    """Sphinx warns of one that is not, which is an error there."""
    menu = (SITE / "pages" / "index.md").read_text(encoding="utf-8").splitlines()
    pages = [
        path.relative_to(ROOT).with_suffix("").as_posix() for path in site("build").standing() if path.suffix == ".md"
    ]
    assert [page for page in pages if page not in (*menu, "README")] == []


def test_pages_of_the_site_name_pages_that_exist(site):
    """Sphinx finds broken links, too, where it is installed; here also those that a code host would not follow."""
    build = site("build")
    places = {place for place, _ in build.pages()}
    faults = []
    for place, content in build.pages():
        text = re.sub(r"^```.*?^```$", "", content.decode() if place.endswith(".md") else "", flags=re.M | re.S)
        for link in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", re.sub(r"`[^`]*`", "", text)):
            target = (Path("/") / place).parent / link
            if str(Path(*target.resolve().parts[1:])) not in places:
                faults.append((place, link))
    assert faults == []
