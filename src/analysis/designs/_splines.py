"""A B-spline of a response on the dose, by weighted least squares, with what each unit adds to it.

Without interior knots a cubic B-spline is a cubic polynomial of the dose: the fit does not depend on where its
boundary knots lie.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from analysis.panel import Array

DEGREE = 3


@dataclass(frozen=True, eq=False)
class Curve:
    """A fitted curve. K = degree + 1 + interior knots.

    knots: all knots, the boundary ones repeated. coefficient: (K,). departure: (units, K) contribution of each unit to
    the coefficients: inv(B'WB) w_i B_i r_i. dose, weight: (units,).
    """

    knots: Array
    coefficient: Array
    departure: Array
    dose: Array
    weight: Array

    @property
    def _spline(self) -> Any:
        from scipy.interpolate import BSpline

        degree = len(self.knots) - len(self.coefficient) - 1
        return BSpline(self.knots, np.eye(len(self.coefficient)), degree)

    def at(self, doses: Array) -> tuple[Array, Array]:
        """(M,) values at `doses` and (units, M) contributions to them."""
        return self._combined(self._spline(doses))

    def slope_at(self, doses: Array) -> tuple[Array, Array]:
        """(M,) derivatives at `doses` and (units, M) contributions to them."""
        return self._combined(self._spline.derivative()(doses))

    def average_slope(self) -> tuple[float, Array]:
        """The mean derivative over the units' own doses, and (units,) contributions, those of the doses included."""
        basis = self._spline.derivative()(self.dose)
        share = self.weight / self.weight.sum()
        own = basis @ self.coefficient
        value = float(share @ own)
        return value, share * (own - value) + self.departure @ (share @ basis)

    def _combined(self, basis: Array) -> tuple[Array, Array]:
        return np.asarray(basis @ self.coefficient), np.asarray(self.departure @ basis.T)


def fit(
    dose: Array, response: Array, weight: Array, *, degree: int = DEGREE, inner: Array | None = None
) -> Curve | None:
    """The B-spline of `response` on `dose`, both (units,), with boundary knots at the extreme doses.

    None where the doses do not determine the curve.
    """
    from scipy.interpolate import BSpline

    low, high = np.full(degree + 1, dose.min()), np.full(degree + 1, dose.max())
    knots = np.concatenate([low, np.empty(0) if inner is None else inner, high])
    basis = BSpline(knots, np.eye(len(knots) - degree - 1), degree)(dose)
    weighted = basis * weight[:, None]
    cross = weighted.T @ basis
    if np.linalg.matrix_rank(cross, hermitian=True) < len(cross):
        return None
    coefficient = np.linalg.solve(cross, weighted.T @ response)
    residual = response - basis @ coefficient
    departure = np.linalg.solve(cross, (weighted * residual[:, None]).T).T
    return Curve(knots, coefficient, departure, dose, weight)
