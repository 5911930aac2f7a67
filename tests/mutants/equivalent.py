"""Changes that a fault may be and that no test can notice, since nothing that the package promises becomes another.

Each with the reason, in the order of the files. They are planted by nobody, and the page lists them apart.
"""

EQUIVALENT = {
    "fedprop/aggregators/afa.py: `difference.square() < 2 * both` -> `difference.square() <= 2 * both`": (
        "where they differ, both formulas give the same"
    ),
    "fedprop/aggregators/caf.py: `step.eigenvalue < best.eigenvalue * (1 - EQUAL)` -> `step.eigenvalue <= "
    "best.eigenvalue * (1 - EQUAL)`": (
        "the filter ends where rows no longer scatter, and other eigenvalues are never in exactly that proportion"
    ),
    "fedprop/aggregators/caf.py: `weights.sum() > n - 2 * f + EQUAL` -> `weights.sum() >= n - 2 * f + EQUAL`": (
        "weights that are by exactly one rounding allowance above a whole number"
    ),
    "fedprop/aggregators/centered_clipping.py: `self.iterations > 1` -> `self.iterations >= 1`": (
        "whether products are worked out of which one step needs no more than lengths"
    ),
    "fedprop/aggregators/cliques.py: `len(reaches) - 1` -> `len(reaches)`": (
        "the search begins one place farther off, and never gets there"
    ),
    "fedprop/aggregators/cliques.py: `members - _pairs(conflicts, undecided)` -> `members`": (
        "how early a search turns back is a matter of speed"
    ),
    "fedprop/aggregators/cliques.py: `steps > MOST_STEPS` -> `steps >= MOST_STEPS`": (
        "one step in a hundred thousand before a search is given up"
    ),
    "fedprop/aggregators/columns.py: `1 + 1e-09` -> `1`": (
        "sums of weights that are one but for rounding are cut to the range of the numbers, in which they are anyway"
    ),
    "fedprop/aggregators/columns.py: `1 << 22` -> `2 << 22`": (
        "how many entries are looked at together is a matter of speed"
    ),
    "fedprop/aggregators/columns.py: `len(begun) > AHEAD * threads` -> `len(begun) >= AHEAD * threads`": (
        "how many blocks are begun ahead is a matter of speed"
    ),
    "fedprop/aggregators/coordinate.py: `block.T.sort(dim=1)` -> `block.T.sort(dim=0)`": (
        "runs on a GPU alone, where `tests/aggregators/test_devices.py` compares it"
    ),
    "fedprop/aggregators/coordinate.py: `block.T.argsort(dim=1)` -> `block.T.argsort(dim=0)`": (
        "runs on a GPU alone, where `tests/aggregators/test_devices.py` compares it"
    ),
    "fedprop/aggregators/distance_sum.py: `(nearer / both).where(both > 0, 0) @ alpha > 0` -> `(nearer / "
    "both).where(both > 0, 0) @ alpha >= 0`": ("of two rows that are as good the search may begin at either"),
    "fedprop/aggregators/distance_sum.py: `falls >= PROMISE * sizes * slope` -> `falls > PROMISE * sizes * slope`": (
        "a step that falls by exactly what was promised is a matter of the last bit"
    ),
    "fedprop/aggregators/divide_and_conquer.py: `gram.mean(dim=0)` -> `gram.mean(dim=1)`": (
        "the rows of a symmetric matrix are its columns"
    ),
    "fedprop/aggregators/divide_and_conquer.py: `values >= (1 - SAME) * values[-1]` -> `values > (1 - SAME) * "
    "values[-1]`": ("a value that is in exactly that proportion to the largest, which is above zero"),
    "fedprop/aggregators/divide_and_conquer.py: `values[-1] > SAME ** 2 * gram.diagonal().max()` -> `values[-1] >= "
    "SAME ** 2 * gram.diagonal().max()`": (
        "both are zero, or they differ; and where all rows are zero, they score the same either way"
    ),
    "fedprop/aggregators/fl_detector.py: `changes[-self.window:].clone()` -> `changes[-self.window:]`": (
        "the copy lets go of the memory of an older row"
    ),
    "fedprop/aggregators/fl_detector.py: `steps[-self.window:].clone()` -> `steps[-self.window:]`": (
        "the copy lets go of the memory of an older row"
    ),
    "fedprop/aggregators/flame.py: `heights[root] <= least[root] + SAME` -> `heights[root] < least[root] + SAME`": (
        "a height that is by exactly 1e-12 above another"
    ),
    "fedprop/aggregators/gaps.py: `float(two.min()) > NONE` -> `float(two.min()) >= NONE`": (
        "a squared error of exactly the rounding allowance"
    ),
    "fedprop/aggregators/geometric_median.py: `2 * max(self.nu, self.tolerance)` -> `3 * max(self.nu, "
    "self.tolerance)`": ("how near a row counts as at the point: the search itself ends that near"),
    "fedprop/aggregators/geometric_median.py: `distances > EQUAL * torch.maximum(lengths[:, None], lengths)` -> "
    "`distances >= EQUAL * torch.maximum(lengths[:, None], lengths)`": (
        "a distance of exactly the rounding allowance, or of zero, which stays zero"
    ),
    "fedprop/aggregators/multi_metrics.py: `_distances(sized, 1).sum(dim=1)` -> `_distances(sized, 1).sum(dim=0)`": (
        "the rows of a symmetric matrix are its columns"
    ),
    "fedprop/aggregators/multi_metrics.py: `angles(rows).square().sum(dim=1)` -> `angles(rows).square().sum(dim=0)`": (
        "the rows of a symmetric matrix are its columns"
    ),
    "fedprop/aggregators/multi_metrics.py: `apart.sum(dim=1)` -> `apart.sum(dim=0)`": (
        "the rows of a symmetric matrix are its columns"
    ),
    "fedprop/aggregators/multi_metrics.py: `found > 0` -> `found >= 0`": (
        "what comes of rows of zeros is replaced afterwards"
    ),
    "fedprop/aggregators/multi_metrics.py: `variances > CONSTANT * variances.max()` -> `variances >= CONSTANT * "
    "variances.max()`": ("a variance that is exactly that share of the largest, which is above zero"),
    "fedprop/aggregators/norm_clipping.py: `found > times_power(torch.full_like(found, self.max_norm), -sizes)` -> "
    "`found >= times_power(torch.full_like(found, self.max_norm), -sizes)`": (
        "a row of exactly the length allowed is cut to that length"
    ),
    "fedprop/aggregators/norm_filter.py: `(found - bound).abs() <= TIE * bound` -> `(found - bound).abs() < TIE * "
    "bound`": ("they differ for rows of zeros alone, which are kept without looking"),
    "fedprop/aggregators/norm_filter.py: `found < SHORT` -> `found <= SHORT`": (
        "at the limit itself both ways to work it out are exact"
    ),
    "fedprop/aggregators/norm_filter.py: `found > LONG` -> `found >= LONG`": (
        "at the limit itself both ways to work it out are exact"
    ),
    "fedprop/aggregators/residual_reweighting.py: `(confident - self.delta).abs() <= TIE` -> `(confident - "
    "self.delta).abs() < TIE`": ("a confidence that is by exactly one millionth beside the limit"),
    "fedprop/aggregators/sniper.py: `sums <= sums.min() * (1 + TIE)` -> `sums < sums.min() * (1 + TIE)`": (
        "they differ for sets without any distance, of which there is but one"
    ),
    "fedprop/aggregators/subsets.py: `1 - TIE` -> `1`": (
        "bounds that are as good as the best score are worked out as well, and change nothing"
    ),
    "fedprop/aggregators/views.py: `distances.median(dim=1)` -> `distances.median(dim=0)`": (
        "the rows of a symmetric matrix are its columns"
    ),
    "fedprop/aggregators/views.py: `gram.max() < LARGEST` -> `gram.max() <= LARGEST`": (
        "at the limit itself both ways to work it out are exact"
    ),
    "fedprop/aggregators/views.py: `reaches[inmost] < NEARER * norms[inmost]` -> `reaches[inmost] <= NEARER * "
    "norms[inmost]`": ("at the limit itself either centre will do"),
    "fedprop/attacks/bit_flip.py: `1 << 32` -> `2 << 32`": ("torch counts whole numbers of 32 bits modulo 2^32"),
    "fedprop/attacks/constraints.py: `square_distances(benign, benign).sum(dim=1)` -> `square_distances(benign, "
    "benign).sum(dim=0)`": ("the rows of a symmetric matrix are its columns"),
    "fedprop/defenses/mab_rfl/arms.py: `coin < p` -> `coin <= p`": ("a random number that is the probability itself"),
    "fedprop/defenses/mab_rfl/groups.py: `gram.mean(dim=0)` -> `gram.mean(dim=1)`": (
        "the rows of a symmetric matrix are its columns"
    ),
    "fedprop/simulation/evaluation.py: `cores() - 1` -> `cores()`": ("how many work at once is a matter of speed"),
    "fedprop/simulation/root.py: `self._trainer + 1` -> `self._trainer + 2`": (
        "numbers of made-up clients, and others would do"
    ),
    "fedprop/simulation/roster.py: `2 * wanted <= tries` -> `2 * wanted < tries`": (
        "which of two ways to pick somebody is the cheaper one; both are uniform"
    ),
    "fedprop/simulation/roster.py: `wanted >= len(candidates)` -> `wanted > len(candidates)`": (
        "a set of all candidates is the same in any order"
    ),
    "fedprop/training/batches.py: `torch.rand(examples, generator=generator) < rate` -> `torch.rand(examples, "
    "generator=generator) <= rate`": ("a random number that is the rate itself"),
    "fedprop/training/memory.py: `2 ** 25` -> `3 ** 25`": ("how many clients train together is a matter of speed"),
    "fedprop/training/stacked.py: `value[part.members].clone()` -> `value[part.members]`": (
        "in models with buffers members are chosen by index, which copies"
    ),
    "fedprop/training/steered.py: `client + 1` -> `client`": ("made-up learning rates, and others would do"),
    "fedprop/training/steered.py: `step + 1` -> `step`": ("which made-up examples a trial asks about"),
}
"""Path, what stood there and what it became; and why nobody can tell."""
