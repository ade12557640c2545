"""Exact minimum of a binary energy by a minimum cut: the best of all 2^n ways to let each of n voxels stay or move.

Minimises sum_i unary_i x_i + sum_pairs weight |x_first - x_second| over x in {0, 1}^n. With weights >= 0 the function is
submodular, so that a minimum cut of a graph gives its minimum exactly.

References
----------
Kolmogorov and Zabih, IEEE Trans Pattern Anal Mach Intell 2004;26:147.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Indices = npt.NDArray[np.intp]

LARGEST_CAPACITY = 2**30
"""Capacities are 32-bit integers: costs are rounded to this share of the largest one."""
ROUNDS = 20
LEAST_DECIDED_SHARE = 0.05
"""Voxels are decided one by one as long as a round decides more than this share of those left."""


@dataclass(frozen=True, eq=False)
class BinaryEnergy:
    """sum_i unary_i x_i + sum_pairs weight |x_first - x_second|.

    Attributes
    ----------
    unary : ndarray, shape (voxels,)
        Cost of x = 1, of any sign.
    first : ndarray, shape (pairs,), int
        Index of the first voxel of each pair.
    second : ndarray, shape (pairs,), int
        Index of the second voxel of each pair.
    weight : ndarray, shape (pairs,)
        Cost of unequal values, not negative.
    """

    unary: Floats
    first: Indices
    second: Indices
    weight: Floats

    def minimiser(self) -> npt.NDArray[np.bool_]:
        """The x of minimal energy, (voxels,)."""
        x, undecided = self._decided_alone()
        if undecided.any():
            x[undecided] = self._with(x, undecided)._cut()
        return x

    def _sum_over_pairs(self, at_first: Floats, at_second: Floats) -> Floats:
        size = self.unary.size
        return np.asarray(np.bincount(self.first, at_first, size) + np.bincount(self.second, at_second, size), np.float64)

    def _decided_alone(self) -> tuple[npt.NDArray[np.bool_], npt.NDArray[np.bool_]]:
        """Decide voxels whose own cost outweighs all their pair costs; returns x and the voxels left undecided.

        Such a decision holds in a minimum, and enters the cost of the neighbours in the next round.
        """
        x, undecided = np.zeros(self.unary.size, bool), np.ones(self.unary.size, bool)
        for _ in range(ROUNDS):
            both = np.where(undecided[self.first] & undecided[self.second], self.weight, 0.0)
            cost = self._cost_given(x, undecided)
            decided = undecided & (np.abs(cost) >= self._sum_over_pairs(both, both))
            x[decided] = cost[decided] < 0
            left = np.count_nonzero(undecided)
            undecided &= ~decided
            if np.count_nonzero(decided) <= LEAST_DECIDED_SHARE * left:
                break
        return x, undecided

    def _cost_given(self, x: npt.NDArray[np.bool_], undecided: npt.NDArray[np.bool_]) -> Floats:
        """Unary cost plus the pair costs of an undecided with a decided voxel."""
        value = np.where(x, -1.0, 1.0)  # weight |x_i - 0| = weight x_i, weight |x_i - 1| = weight - weight x_i
        to_first = np.where(undecided[self.second], 0.0, value[self.second]) * self.weight
        to_second = np.where(undecided[self.first], 0.0, value[self.first]) * self.weight
        return self.unary + self._sum_over_pairs(to_first, to_second)

    def _with(self, x: npt.NDArray[np.bool_], undecided: npt.NDArray[np.bool_]) -> BinaryEnergy:
        """Energy of the undecided voxels given the others."""
        number = np.cumsum(undecided) - 1
        inner = undecided[self.first] & undecided[self.second]
        cost = self._cost_given(x, undecided)[undecided]
        return BinaryEnergy(cost, number[self.first[inner]], number[self.second[inner]], self.weight[inner])

    def _cut(self) -> npt.NDArray[np.bool_]:
        """Minimiser from the maximum flow: x = 1 where residual capacity connects to the source.

        Separating a pair cuts its edge, staying (x = 0) the edge from the source, moving (x = 1) the edge to the sink.
        """
        from scipy.sparse import csr_array
        from scipy.sparse.csgraph import breadth_first_order, maximum_flow

        n = self.unary.size
        source, sink = n, n + 1
        gain, loss = np.flatnonzero(self.unary < 0), np.flatnonzero(self.unary > 0)
        tail = np.concatenate([self.first, self.second, np.full(gain.size, source), loss])
        head = np.concatenate([self.second, self.first, gain, np.full(loss.size, sink)])
        cost = np.concatenate([self.weight, self.weight, -self.unary[gain], self.unary[loss]])
        largest = cost.max(initial=0.0)
        if largest == 0.0:
            return np.zeros(n, bool)
        capacity = np.round(cost * (LARGEST_CAPACITY / largest)).astype(np.int32)
        graph = csr_array((capacity, (tail, head)), shape=(n + 2, n + 2))
        rest = csr_array(graph - maximum_flow(graph, source, sink, method="dinic").flow)
        rest.eliminate_zeros()
        reached = np.zeros(n + 2, bool)
        reached[breadth_first_order(rest, source, return_predecessors=False)] = True
        return np.asarray(reached[:n])
