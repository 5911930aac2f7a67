"""Which order statistics are the median's, and how far rules that average some can be carried off: exact constants."""


def median_places(n: int) -> range:
    """Which of n values in ascending order the median is the mean of, counted from 0."""
    return range((n - 1) // 2, n // 2 + 1)


def top_mean_kappa(honest: int, averaged: int) -> float:
    """(h - a) / a: the exact robustness coefficient of a rule whose worst answer is the mean of the top `a` values.

    Let h honest values have mean mu and variance V, and let a of them, the largest, have mean m. With b for the mean of
    the others, m - mu = (h - a) / h * (m - b), and V is at least the variance between the two groups,
    a (h - a) / h^2 * (m - b)^2. So (m - mu)^2 <= (h - a) / a * V, and two-valued honest rows attain it.
    `specs/test_exact_constants.py` tries it, and `specs/proofs/test_exact_constants.py` proves it for small h.
    """
    return (honest - averaged) / averaged


def trimmed_mean_kappa(n: int, f: int) -> float:
    """F / (n - 2f), which is the least that any rule can have (Allouah et al., AISTATS 2023).

    Byzantine values are worst where they are all the largest: they are trimmed then, with as many of the smallest
    honest ones, and the n - 2f largest honest values are left.
    """
    return top_mean_kappa(n - f, n - 2 * f)


def median_kappa(n: int, f: int) -> float:
    """(n - 1) / (n + 1 - 2f) for odd n, and (n - 2) / (n + 2 - 2f) for even n.

    With all Byzantine values above, the median is the k-th largest honest value, or the mean of the k-th and the one
    after it, and so at most the mean of the largest k, or k + 1.
    """
    return top_mean_kappa(n - f, n // 2 + 1 - f)


def around_kappa(centre: float, n: int, f: int) -> float:
    """A coefficient of the mean of the n - f values nearest to a centre that has the coefficient `centre` itself.

    With h = n - f honest values of mean mu and variance V, let e = sqrt(centre V) bound the distance of the centre from
    mu. Of the h values kept, m <= f are Byzantine, and m honest ones D are left out for them, each no nearer to the
    centre. So a kept Byzantine value is, paired with one x of D, at most |x - mu| + 2e from mu, and h times the error
    is at most the sum over D of 2 |x - mu|, plus 2 m e. By Cauchy and Schwarz the sum over D of |x - mu| is at most
    sqrt(m h V). With m = f, kappa = 4 (sqrt(f / h) + f / h sqrt(centre))^2.
    """
    share = f / (n - f)
    return float(4 * (share**0.5 + share * centre**0.5) ** 2)


def any_subset_unattacked(n: int, f: int) -> float:
    """F / (n - f): how far the mean of any n - f of n values can be from that of all, in variances.

    With b for the mean of the f left out, the means differ by f / n (m - b), and the variance is at least that between
    the two groups, f (n - f) / n^2 (m - b)^2.
    """
    return f / (n - f)
