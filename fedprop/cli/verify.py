"""`fedprop verify`."""

from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Table

from fedprop.cli.child import channel, needs_child, run_in_child
from fedprop.cli.console import ERR, OUT, clean_stdout


def verify(
    target: Annotated[str, typer.Argument(help="path/to/file.py:name or package.module:name.", show_default=False)],
    f: Annotated[str | None, typer.Option("--f", metavar="F or A..B", help="Byzantine rows. Default: 0..2.")] = None,
    n: Annotated[
        str | None, typer.Option("--n", metavar="N or A..B", help="Rows. Default: what the rule needs, and 4 more.")
    ] = None,
    as_: Annotated[
        str | None, typer.Option("--as", metavar="NAME", help="The built-in rule it should equal: krum, {kind: ...}.")
    ] = None,
    claim: Annotated[list[str], typer.Option(help="Hold a bare callable to this claim; repeatable.")] = [],  # noqa: B006
    assignments: Annotated[list[str], typer.Option("--set", metavar="NAME=YAML", help="An argument; repeatable.")] = [],  # noqa: B006
    examples: Annotated[int | None, typer.Option(help="Inputs for each claim, instead of the profile's.")] = None,
    profile: Annotated[
        str, typer.Option(help="fast or thorough.", autocompletion=lambda: ["fast", "thorough"])
    ] = "fast",
    seed: Annotated[int, typer.Option(help="What the inputs are drawn from.")] = 0,
    seconds: Annotated[
        float | None, typer.Option(help="Stop after so long, whatever is left untried; no limit if not given.")
    ] = None,
    search: Annotated[
        bool, typer.Option("--search", help="Climb towards the worst robustness coefficient too.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the report as one JSON object.")] = False,
    html: Annotated[Path | None, typer.Option(help="Write a page with a plot of each counterexample.")] = None,
) -> None:
    """Property-test a rule, an attack, a defense or a codec of your own."""
    if needs_child():
        raise typer.Exit(run_in_child(target))
    from hypothesis.database import DirectoryBasedExampleDatabase

    from fedprop.experiments.config_file import override
    from fedprop.verify import verify as verify_target
    from fedprop.verify.hunting.patience import GRACE, LAST_RESORT, LOADING
    from fedprop.verify.options import built_in, numbers

    if (parent := channel()) is not None:
        LAST_RESORT.watch(LOADING + GRACE, parent)
    with ERR.status("") as status, clean_stdout():
        found = verify_target(
            target,
            f=None if f is None else numbers("f", f),
            n=None if n is None else numbers("n", n),
            as_=None if as_ is None else built_in("--as", as_),
            claims=claim,
            settings=override({}, assignments),
            examples=examples,
            profile=profile,
            seed=seed,
            seconds=seconds,
            search=search,
            database=DirectoryBasedExampleDatabase(".hypothesis/fedprop"),
            on_outcome=lambda outcome: status.update(f"{outcome.name}: {outcome.verdict}"),
        )
    LAST_RESORT.call_off()
    _show(found, html, as_json=as_json)
    raise typer.Exit(1 if found.fails else 0)


def _show(report: Any, html: Path | None, *, as_json: bool) -> None:
    from fedprop.verify.pages.page import write_page
    from fedprop.verify.pages.render import as_text

    if html is not None:
        write_page(report, html)
    if as_json:
        print(report.model_dump_json())
    else:
        OUT.print(_outcome_table(report))
        print(as_text(report))


def _outcome_table(report: Any) -> Table:
    against = f", as {report.against}" if report.against else ""
    table = Table("claim", "", "verdict", "inputs", title=f"{report.target} ({report.family}{against})")
    for outcome in report.outcomes:
        tried = ", ".join(part for part in (str(outcome.examples or ""), outcome.why) if part)
        table.add_row(outcome.name, outcome.status, _verdict(outcome), tried)
    return table


def _verdict(outcome: Any) -> str:
    """One word or two, red where they make the target fail."""
    if outcome.fails:
        return f"[red]{outcome.verdict.upper()}[/]"
    if outcome.verdict == "broken":
        return "does not hold"
    return {"holds": "[green]holds[/]"}.get(outcome.verdict, f"[dim]{outcome.verdict}[/]")
