"""Inference that holds however weak the instruments are: the Anderson-Rubin set, found exactly; and tF critical values.

For an effect b the instruments should be unrelated to outcome - b x treatment. With the coefficients g(b), linear in b,
and their covariance V(b), quadratic in b, the test does not reject where c V(b) - g(b) g(b)' is positive semidefinite.
The ends of the set are therefore real eigenvalues of a quadratic eigenvalue problem, with any errors and any number of
instruments: no grid is needed, and unbounded, disjoint and empty sets come out as they are.
"""

from __future__ import annotations

import itertools
import math

import numpy as np

from analysis.fits.instrumental_variable import Region
from analysis.inference.instruments import Pair, f_test
from analysis.panel import Array

WEAK = 10.0  # effective F below which only the Anderson-Rubin set is shown
STRONG = 104.7  # from here on a t test of nominal 5 % has that size (Lee et al. 2022)
REAL = 1e-6  # relative imaginary part of an eigenvalue that rounding explains


def statistic(found: Pair, effect: float) -> float:
    """The Anderson-Rubin F statistic of an effect per unit of treatment."""
    gap = found.outcome - effect * found.treatment
    cov = found.oo - effect * (found.ot + found.ot.T) + effect**2 * found.tt
    return float(gap @ np.linalg.solve(cov, gap)) / len(gap)


def p_value(found: Pair, effect: float) -> float:
    """The p-value of an effect per unit of treatment."""
    return f_test(statistic(found, effect), len(found.outcome), found.df).p_value


def region(found: Pair, level: float, change: float = 1.0) -> Region:
    """The effects of a change of `change` in treatment that the test does not reject at `level`."""
    from scipy import stats

    critical = float(stats.f.ppf(level, len(found.outcome), found.df))
    centre, scale = around(found)
    ends = [centre + scale * x for x in _roots(found, critical * len(found.outcome), centre, scale)]
    pieces = _pieces(found, critical, ends, centre, scale)
    return times(pieces, change, level)


def times(pieces: list[tuple[float, float]], change: float, level: float) -> Region:
    """The set of effects per unit of treatment as one of effects of a change."""
    if change < 0:
        pieces = [(high, low) for low, high in reversed(pieces)]
    return Region(tuple((change * low, change * high) for low, high in pieces), level)


def around(found: Pair) -> tuple[float, float]:
    """A centre and a scale of the effect that keep the eigenvalues of moderate size."""
    explained = float(found.treatment @ found.treatment)
    centre = float(found.treatment @ found.outcome) / explained
    cov = found.oo - centre * (found.ot + found.ot.T) + centre**2 * found.tt
    scale = math.sqrt(float(found.treatment @ cov @ found.treatment)) / explained
    return centre, scale or abs(centre) or 1.0


def _roots(found: Pair, critical: float, centre: float, scale: float) -> list[float]:
    """Real solutions of det(c V - g g') = 0 in units of `scale` around `centre`."""
    from scipy import linalg

    k = len(found.outcome)
    both = found.ot + found.ot.T
    gap, slope = found.outcome - centre * found.treatment, -scale * found.treatment
    constant = critical * (found.oo - centre * both + centre**2 * found.tt) - np.outer(gap, gap)
    linear = critical * scale * (2 * centre * found.tt - both) - np.outer(gap, slope) - np.outer(slope, gap)
    square = critical * scale**2 * found.tt - np.outer(slope, slope)
    unit = float(np.abs(constant).max() + np.abs(square).max()) or 1.0
    empty, one = np.zeros((k, k)), np.eye(k)
    left = np.block([[empty, one], [-constant / unit, -linear / unit]])
    right = np.block([[one, empty], [empty, square / unit]])
    top, bottom = linalg.eigvals(left, right, homogeneous_eigvals=True)
    with np.errstate(divide="ignore", invalid="ignore"):
        values = top / bottom
    real = values[np.isfinite(values)]
    real = real[np.abs(real.imag) <= REAL * (1 + np.abs(real.real))].real
    return sorted(float(x) for x in real[np.abs(real) < 1e9])


def _pieces(found: Pair, critical: float, ends: list[float], centre: float, scale: float) -> list[tuple[float, float]]:
    """The intervals between the ends in which the test does not reject, neighbours joined."""
    edges = [-math.inf, *ends, math.inf]
    pieces: list[tuple[float, float]] = []
    for low, high in itertools.pairwise(edges):
        if high <= low or statistic(found, _inside(low, high, centre, scale)) > critical:
            continue
        if pieces and pieces[-1][1] == low:
            pieces[-1] = (pieces[-1][0], high)
        else:
            pieces.append((low, high))
    return pieces


def _inside(low: float, high: float, centre: float, scale: float) -> float:
    if math.isinf(low) and math.isinf(high):
        return centre
    if math.isinf(low):
        return high - scale - abs(high - centre)
    if math.isinf(high):
        return low + scale + abs(low - centre)
    return (low + high) / 2


# Lee, McCrary, Moreira and Porter (2022), table 3: first-stage F and the critical value of |t| that goes with it; the
# critical values fall by the same factor from entry to entry. Between entries both are read off along a line.
# fmt: off
F_VALUES: Array = np.array([
    4.000, 4.008, 4.015, 4.023, 4.031, 4.040, 4.049, 4.059, 4.068, 4.079, 4.090, 4.101, 4.113, 4.125, 4.138, 4.151,
    4.166, 4.180, 4.196, 4.212, 4.229, 4.247, 4.265, 4.285, 4.305, 4.326, 4.349, 4.372, 4.396, 4.422, 4.449, 4.477,
    4.507, 4.538, 4.570, 4.604, 4.640, 4.678, 4.717, 4.759, 4.803, 4.849, 4.897, 4.948, 5.002, 5.059, 5.119, 5.182,
    5.248, 5.319, 5.393, 5.472, 5.556, 5.644, 5.738, 5.838, 5.944, 6.056, 6.176, 6.304, 6.440, 6.585, 6.741, 6.907,
    7.085, 7.276, 7.482, 7.702, 7.940, 8.196, 8.473, 8.773, 9.098, 9.451, 9.835, 10.253, 10.711, 11.214, 11.766,
    12.374, 13.048, 13.796, 14.631, 15.566, 16.618, 17.810, 19.167, 20.721, 22.516, 24.605, 27.058, 29.967, 33.457,
    37.699, 42.930, 49.495, 57.902, 68.930, 83.823, 104.67,
])
# fmt: on
LARGEST, SMALLEST = 18.656, 1.96


def tf_critical(f: float | Array) -> Array:
    """The critical value of |t| at 5 % for first-stage F statistics, one instrument; infinite below F = 4."""
    values = np.geomspace(LARGEST, SMALLEST, len(F_VALUES))
    return np.asarray(np.interp(f, F_VALUES, values, left=np.inf, right=SMALLEST))
