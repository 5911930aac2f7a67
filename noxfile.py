"""Everything a contributor runs: `nox -s demo`, `tests`, `specs`, `verify`, `lint`, `types`; `nox -l` lists them all.

Sessions install the tested set of versions from constraints.txt.
"""

import os
import shutil
from pathlib import Path

import nox

nox.options.sessions = ["lint", "types", "tests"]
nox.options.reuse_existing_virtualenvs = True
nox.options.default_venv_backend = "venv"

ROOT = Path(__file__).parent
PEERS = ".nox/speed-peers"
CODE = ("fedprop", "specs", "tests", "benchmarks", "examples", "noxfile.py")
PARALLEL = ("-n", "auto", "--dist", "worksteal")
TESTED = ("fedprop", "tests", "specs")


def install(session: nox.Session, *extras: str) -> None:
    """Install the package and extras, with torch first so that its pin decides."""
    session.install("-c", "constraints.txt", "torch")
    wanted = f".[{','.join(extras)}]" if extras else "."
    session.install("-c", "constraints.txt", "-e", wanted)


@nox.session
def demo(session: nox.Session) -> None:
    """The main job on real data: one attacked asynchronous run, then every rule against every attack."""
    install(session)
    session.run("fedprop", "run", "sims/quickstart.yaml")
    shorter = ("name=Fang 2020 table 2e in short", "base.rounds=100", "base.evaluate_every=5")
    simpler = ("base.model=logistic_regression", "base.training.lr=0.2")
    sets = [part for change in (*shorter, *simpler) for part in ("--set", change)]
    session.run("fedprop", "sweep", "sims/fang2020/table2e.yaml", *sets)
    session.run("fedprop", "sweep", "sims/quickstart_table.yaml")


@nox.session
def tests(session: nox.Session) -> None:
    """All tests and specs (fast profile); data tests run where FEDPROP_DATA_DIR is set."""
    install(session, "dev")
    session.run("pytest", *PARALLEL, "-m", "not slow", "--doctest-modules", *TESTED, *session.posargs)


# `nox -s tests-3.13`, where there is such an interpreter; a part of them with `-- -k krum`.
for _version in ("3.12", "3.13"):
    nox.session(tests.func, python=_version, name=f"tests-{_version}")


@nox.session
def hunts(session: nox.Session) -> None:
    """The longest tests: all claims on all correct rules, worst cases, pages and benchmarks from end to end."""
    install(session, "dev")
    # 5: `-k` left none of them.
    session.run("pytest", *PARALLEL, "-m", "slow", "tests", "specs", *session.posargs, success_codes=[0, 5])


@nox.session
def coverage(session: nox.Session) -> None:
    """The lines that `tests` run, at least 95% of all; tracing takes half as long again."""
    install(session, "dev")
    session.run("coverage", "erase")
    # Started by coverage, since pytest's plugins, ours among them, are imported before any of them could start it.
    traced = ("coverage", "run", "-m", "pytest", "-n", "auto", "-m", "not slow", "--doctest-modules")
    session.run(*traced, *TESTED, *session.posargs)
    session.run("coverage", "combine", "--quiet")
    session.run("coverage", "report")


@nox.session
def specs(session: nox.Session) -> None:
    """The theorems alone; `nox -s specs -- thorough` searches longer."""
    install(session, "dev")
    profile, *rest = session.posargs or ("fast",)
    session.run("pytest", "-n", "auto", "specs", *rest, env={**os.environ, "FEDPROP_PROFILE": profile})


@nox.session
def verify(session: nox.Session) -> None:
    """Property-test a defense: `nox -s verify -- path/to/file.py:name`, with the options of `fedprop verify`."""
    install(session)
    session.run("fedprop", "verify", *session.posargs)


@nox.session
def gallery(session: nox.Session) -> None:
    """Known mistakes under `verify`, written to docs/gallery.md; with `-- --if-changed` only if that is out of date."""
    install(session)
    session.run("python", "tests/gallery/table.py", *session.posargs)


@nox.session
def catalogue(session: nox.Session) -> None:
    """The pages that name all kinds: docs/catalogue.md, from the registries, and docs/defenses.md."""
    install(session)
    session.run("python", "docs/catalogue.py")
    session.run("python", "docs/defenses.py")


@nox.session
def docs(session: nox.Session) -> None:
    """The documentation site, in build/site/html; whatever Sphinx warns of is an error."""
    install(session, "docs")
    session.run("python", "docs/site/build.py", *session.posargs)


@nox.session(reuse_venv=False)
def package(session: nox.Session) -> None:
    """Wheel and sdist in dist/: what they hold, that the wheel works on its own, and that its extras can be had."""
    session.install("-c", "constraints.txt", "build")
    dist = ROOT / "dist"
    shutil.rmtree(dist, ignore_errors=True)
    session.run("python", "-m", "build", "--outdir", str(dist))
    session.run("python", "tests/release/contents.py", str(dist))
    [wheel] = dist.glob("*.whl")
    session.install("-c", "constraints.txt", "torch")
    session.install("-c", "constraints.txt", str(wheel))
    for extra in nox.project.load_toml("pyproject.toml")["project"]["optional-dependencies"]:
        # Of what flwr needs, constraints.txt has other versions.
        pins = "benchmarks/peers/requirements.txt" if extra == "flower" else "constraints.txt"
        session.run("pip", "install", "--dry-run", "--quiet", "-c", pins, f"fedprop[{extra}] @ {wheel.as_uri()}")
    # Where no other fedprop can be imported.
    with session.chdir(session.create_tmp()):
        session.run("fedprop", "run", str(ROOT / "sims/quickstart.yaml"), "--out", "quickstart")
        session.run("fedprop", "verify", "fedprop:Median")


@nox.session
def mutants(session: nox.Session) -> None:
    """Faults planted in copies of the package, and how many the tests notice: docs/mutants.md; takes half an hour."""
    install(session, "dev")
    session.run("python", "tests/mutants/run.py", *session.posargs)


@nox.session
def proofs(session: nox.Session) -> None:
    """The theorems that Z3 proves; `nox -s proofs -- --write-proofs docs/proofs.md` keeps their table."""
    install(session, "dev", "proofs")
    session.run("pytest", "-m", "proof", "specs/proofs", "tests/proofs", *session.posargs)


@nox.session
def huggingface(session: nox.Session) -> None:
    """Models of transformers and tables of datasets, which extras of their own bring."""
    install(session, "dev", "huggingface", "datasets")
    where = ("tests/models/test_huggingface.py", "tests/data/encodings", "tests/data/test_huggingface_dataset.py")
    session.run("pytest", *where, *session.posargs)


@nox.session
def ray(session: nox.Session) -> None:
    """Sweeps, training and aggregation on real clusters of two nodes, which the extra of that name brings."""
    install(session, "dev", "ray")
    # Ray leaves pipes and processes of its own to the end of Python, which warns of them.
    lenient = ("-W", "ignore::ResourceWarning", "-W", "ignore::pytest.PytestUnraisableExceptionWarning")
    session.run("pytest", *lenient, "tests/cluster", *session.posargs)


@nox.session
def trackers(session: nox.Session) -> None:
    """TensorBoard, MLflow and Weights & Biases, and the study with Optuna in examples/."""
    install(session, "dev", "mlflow", "optuna", "tensorboard", "wandb")
    session.run("pytest", "tests/tracking", "tests/examples", *session.posargs)


@nox.session
def fast(session: nox.Session) -> None:
    """Rules with compiled loops, which the extra of that name brings, on rows of all sizes, held to the same."""
    install(session, "dev", "fast")
    always = {**os.environ, "FEDPROP_KERNELS": "always"}
    tried = ("tests/kernels", "tests/aggregators", "specs/test_rules_match_oracles.py")
    session.run("pytest", *PARALLEL, "-m", "not slow", *tried, *session.posargs, env=always)


@nox.session
def lint(session: nox.Session) -> None:
    """Formatting and style."""
    session.install("-c", "constraints.txt", "ruff")
    session.run("ruff", "format", "--check", *CODE)
    session.run("ruff", "check", *CODE)


@nox.session
def types(session: nox.Session) -> None:
    """Static types, strict."""
    install(session, "dev")
    session.run("mypy")


@nox.session
def gpu(session: nox.Session) -> None:
    """The tests that need a CUDA device."""
    install(session, "dev")
    session.run("pytest", "-m", "gpu", "tests", "specs", *session.posargs)


@nox.session
def peers(session: nox.Session) -> None:
    """Robust rules of other libraries under `verify`, written to docs/peers.md; `-- flower_krum` tries it anew."""
    install(session, "dev")
    session.install("-r", "benchmarks/peers/requirements.txt")
    # byzfl's rules need none of the plotting and vision packages that it asks for.
    session.install("--no-deps", "byzfl==0.0.11")
    session.run("pytest", "-W", "ignore::DeprecationWarning", "tests/verify/targets/test_flower.py")
    session.run("python", "benchmarks/peers/run.py", *session.posargs)


@nox.session
def flower(session: nox.Session) -> None:
    """Rules inside Flower, and a deployment of five processes on this machine; its versions are those of `peers`."""
    install(session, "dev")
    session.install("-r", "benchmarks/peers/requirements.txt")
    session.run("pytest", "-W", "ignore::DeprecationWarning", "tests/flower", *session.posargs)


@nox.session
def pipelines(session: nox.Session) -> None:
    """Rules in a loop of one's own, and in the pipelines of pfl-research and ByzFL: docs/own_loop.md."""
    install(session, "dev")
    # byzfl's framework needs none of the plotting and vision packages that it asks for.
    session.install("pfl==0.6.0")
    session.install("--no-deps", "byzfl==0.0.11")
    session.run("pytest", "-W", "ignore::DeprecationWarning", "tests/test_own_loop.py", *session.posargs)


@nox.session
def bench(session: nox.Session) -> None:
    """Speed beside other libraries, written to benchmarks/results/; every peer in training gets its own environment."""
    _install_with_peers(session)
    session.run("fedprop", "bench", "--out", "benchmarks/results", "--peers", PEERS, *session.posargs)


@nox.session(name="gpu-bench")
def gpu_bench(session: nox.Session) -> None:
    """The same on a CUDA device, beside the libraries that can use one."""
    _install_with_peers(session, "byzfl")
    options = ("--device", "cuda", "--out", "benchmarks/results", "--peers", PEERS)
    session.run("fedprop", "bench", *options, *session.posargs)


def _install_with_peers(session: nox.Session, *names: str) -> None:
    install(session, "fast")
    # What these ask for beyond torch and numpy is not needed here.
    session.install("--no-deps", "torchjd==0.18.0", "byzfl==0.0.11", "simpy==4.1.1")
    session.run("python", "benchmarks/peers_speed/install.py", PEERS, *names)
