"""The results as one Markdown page."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from benchmarks.contenders import FLOOR, FLOOR_CALL, OURS

Record = Mapping[str, Any]

MODEL_NAMES = {"logistic_regression": "Logistic regression", "fang_dnn": "Fang's DNN", "resnet20": "ResNet-20"}

HEAD = """# Speed, measured

Times are medians over turns in which everybody does the same once, one after the other. "Times fedprop" is the median
of the ratios within each turn, with their range: above 1 is slower than fedprop. Only ratios carry over to another
machine. `docs/speed.md` explains the figures.
"""
AGGREGATION_HEAD = """Peak memory is what a call takes beyond its input, as a share of the input. Errors are the largest
differences from the float64 definition over some hundred columns, in units of the rows' spread; "close" is the same
with 10,000 columns of rows that lie a thousandth apart around 1000, where float32 itself is good for a few
hundredths and anything near 1 or above is a wrong answer. Some libraries document another definition or an
approximation, and a difference from the paper's is then their choice: ByzFL's Krum counts a row among its own
neighbours, its geometric median takes three steps, and `torch.median` takes the lower of two middle values.
"""
TRAINING_HEAD = """Seconds of a whole round, and times fedprop. Everybody makes the same steps from the same data:
{clients} clients with {examples} examples each, batches of at most 32, plain SGD, mean aggregation, no evaluation.
The final loss tells whether that much was trained.
"""
CATALOGUE_HEAD = """The full form of every rule, stage and postprocessor on the same rows of float32, as times the plain
mean's within each pass. Settings are those of a configuration that each offers as worth trying, the first that
tolerates as many rows as any; a rule that remembers is in its second round. For what asks a server the first row is all
that the server knows, and a loss costs a pass over the candidates, where a model's costs what the model does. Memory is
what a call takes at its peak beyond its input, the answer included, and beyond what it remembers; both as shares of
the input.
"""
HEADS = {"catalogue": CATALOGUE_HEAD}
"""What is said before the records of some parts."""


def page(results: Record) -> str:
    """The whole page."""
    parts = [HEAD, *conditions(results), *aggregation(results["aggregation"]), *exponents(results["sweeps"])]
    parts += training(results["rounds"]) if results["rounds"]["rows"] else []
    for name, rows in results["own"].items():
        said = (HEADS.get(name), results.get("later", {}).get(name))
        parts += [f"## {name.replace('_', ' ').capitalize()}\n", *filter(None, said), plain(rows)]
    return "\n".join(parts)


def conditions(results: Record) -> list[str]:
    """How, where and with what it was measured, and who was not there."""
    host, limits = results["machine"], results["limits"]
    present = {name: number for name, number in results["versions"].items() if number}
    missing = [name for name, number in results["versions"].items() if not number] + results["rounds"]["absent"]
    where = [host["cpu"], f"{host['cores']} cores", f"{host['memory_gb']} GB", f"{host['torch_threads']} torch threads"]
    lines = [f"Made by `{results['command']}` on {', '.join([*where, *([host['gpu']] if 'gpu' in host else [])])}; "]
    lines += [", ".join(f"{name} {number}" for name, number in present.items()) + ".\n"]
    lines += [
        f"The machine's own limits in the same run: it copies at {limits['copy_gb_per_s']:.0f} GB/s (read plus "
        f"written) and multiplies matrices at {limits['gemm_float32_gflops']:,.0f} GFLOP/s in float32 and "
        f"{limits['gemm_float64_gflops']:,.0f} in float64.\n"
    ]
    if results.get("unfinished"):
        lines += ["Cut short: what is missing was not measured.\n"]
    return lines + ([f"Not installed, so not measured: {', '.join(missing)}.\n"] if missing else [])


def aggregation(records: Sequence[Record]) -> list[str]:
    """A table for each size of input."""
    parts = ["## Aggregation\n", AGGREGATION_HEAD]
    for n, f, d in dict.fromkeys((r["n"], r["f"], r["d"]) for r in records):
        rows = [r for r in records if (r["n"], r["d"]) == (n, d)]
        parts.append(f"### n = {n}, f = {f}, d = {d:,}, float32\n")
        names = ("Rule", "Who", "Median", "Times fedprop", "Peak memory", "Error", "Error, close")
        parts.append(markdown(names, [_contender(r) for r in rows]))
    return parts


def _contender(r: Record) -> list[str]:
    who = f"**{r['library']}** {r['call']}" if r["library"] == OURS else f"{r['library']} {r['call']}"
    if "failure" in r:
        return [r["rule"], who, "failed", r["failure"], "", "", ""]
    memory = "" if r["peak_extra_share"] is None else f"{r['peak_extra_share']:.2f}"
    errors = ["" if r[key] is None else f"{r[key]:.1g}" for key in ("error", "error_close_rows")]
    rule = "" if r["call"] == FLOOR_CALL else r["rule"]
    return [rule, FLOOR if r["call"] == FLOOR_CALL else who, duration(r["median_seconds"]), times(r), memory, *errors]


def exponents(lines: Sequence[Record]) -> list[str]:
    """How cost grows."""
    names = ("Rule", "Against", "Exponent", "Smallest", "Largest")
    rows = []
    for line in lines:
        fixed = f"n = {line['n']}" if line["against"] == "d" else f"d = {line['d']:,}"
        xs, ys = line[line["against"] + "s"], line["seconds"]
        ends = [f"{duration(y)} at {x:,}" for x, y in ((xs[0], ys[0]), (xs[-1], ys[-1]))]
        rows.append([line["rule"], f"{line['against']}, {fixed}", f"{line['exponent']:.2f}", *ends])
    head = "The exponent p of the fit seconds = c * size^p to the larger half of the sizes: 1 is linear.\n"
    return ["## Cost against n and d\n", head, markdown(names, rows)]


def training(rounds: Record) -> list[str]:
    """A line for each library and a column for each case, then the losses."""
    rows = rounds["rows"]
    by_place = {(r["trainer"], r["model"], r["steps"]): r for r in rows}
    trainers = list(dict.fromkeys(trainer for trainer, _, _ in by_place))
    cases = list(dict.fromkeys((model, steps) for _, model, steps in by_place))
    columns = [f"{MODEL_NAMES[model]}, {steps} step{'s' if steps > 1 else ''}" for model, steps in cases]
    versions = {r["trainer"]: r["version"] for r in rows if "version" in r}
    figures = [[t, versions.get(t, ""), *(_round(by_place[t, *case]) for case in cases)] for t in trainers]
    losses = [[t, *(_loss(by_place[t, *case]) for case in cases)] for t in trainers]
    data = ", ".join(dict.fromkeys(r["data"] for r in rows))
    head = TRAINING_HEAD.format(clients=rows[0]["clients"], examples=rows[0]["examples"])
    parts = [f"## Training rounds ({data})\n", head, markdown(["Who", "With", *columns], figures)]
    failed = [f"{r['trainer']}, {MODEL_NAMES[r['model']]}: {r['failure']}\n" for r in rows if "failure" in r]
    return [*parts, "Loss on the training data after the last round:\n", markdown(["Who", *columns], losses), *failed]


def _round(r: Record) -> str:
    memory = f", {r['peak_bytes'] / 1e9:.2f} GB" if r.get("peak_bytes") else ""
    return "failed" if "failure" in r else f"{duration(r['median_seconds'])}: {times(r)}{memory}"


def _loss(r: Record) -> str:
    return "" if "failure" in r else f"{r['loss']:.3f}"


def plain(rows: Sequence[Record]) -> str:
    """Records with any fields, as they are, but for lists, which only the JSON holds."""
    names = list(dict.fromkeys(key for row in rows for key, value in row.items() if not isinstance(value, list)))
    return markdown(names, [[_value(row.get(name)) for name in names] for row in rows])


def _value(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, float) else "" if value is None else str(value)


def times(r: Record) -> str:
    """A ratio with its range."""
    ratio = r.get("times_fedprop")
    if ratio is None:
        return ""
    return f"{ratio['median']:.3g} ({ratio['low']:.3g} to {ratio['high']:.3g})"


def duration(seconds: float) -> str:
    """Seconds in a unit that suits them."""
    for size, unit in ((1.0, "s"), (1e-3, "ms")):
        if seconds >= size:
            return f"{seconds / size:.3g} {unit}"
    return f"{seconds * 1e6:.3g} µs"


def markdown(names: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A Markdown table."""
    lines = [names, ["---"] * len(names), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines) + "\n"
