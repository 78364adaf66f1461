"""The walks, compiled: eight doubles at a time, no memory asked for, nothing reordered.

Rows are walked 32 at a time, rows beside one another in the lanes; few rows are walked one by one, quadrature nodes
beside one another. Both do the same sums in the same order, so that a row has the same bits alone and among others.
All that a split needs is its line of `forest.NODE`; what a tree needs meanwhile stays in the nearest cache.
Compiled code waits in numba's cache; where that cannot be written, each process compiles anew (some seconds).
"""

from __future__ import annotations

from functools import reduce
from typing import Any

import numpy as np
from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.core.datamodel import models, register_default
from numba.extending import intrinsic

from revml.models.compiled import compiled

ROWS = 32  # of a block: bits of a mask
LANES = 8
ZERO = float(np.float32(1e-35))

VECTOR = ir.VectorType(ir.DoubleType(), LANES)
BITS = ir.VectorType(ir.IntType(1), LANES)


class _Lanes(types.Type):
    """Eight doubles in a register."""

    def __init__(self) -> None:
        super().__init__("Lanes")


@register_default(_Lanes)
class _LanesModel(models.PrimitiveModel):
    def __init__(self, manager: Any, kind: Any) -> None:
        super().__init__(manager, kind, VECTOR)


lanes = _Lanes()


def _place(context: Any, builder: Any, kind: Any, array: Any, at: Any) -> Any:
    data = context.make_array(kind)(context, builder, array).data
    return builder.bitcast(builder.gep(data, [at]), VECTOR.as_pointer())


def _spread(builder: Any, number: Any) -> Any:
    one = builder.insert_element(ir.Constant(VECTOR, ir.Undefined), number, ir.Constant(ir.IntType(32), 0))
    first = ir.Constant(ir.VectorType(ir.IntType(32), LANES), [0] * LANES)
    return builder.shuffle_vector(one, one, first)


def _bits(builder: Any, mask: Any) -> Any:
    return builder.bitcast(builder.trunc(mask, ir.IntType(LANES)), BITS)


@intrinsic
def load(typing: Any, array: Any, at: Any) -> Any:
    """Eight doubles of a flat array."""

    def make(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return builder.load(_place(context, builder, signature.args[0], args[0], args[1]), align=8)

    return lanes(array, types.intp), make


@intrinsic
def store(typing: Any, array: Any, at: Any, value: Any) -> Any:
    """Eight doubles into a flat array."""

    def make(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        builder.store(args[2], _place(context, builder, signature.args[0], args[0], args[1]), align=8)
        return context.get_dummy_value()

    return types.void(array, types.intp, lanes), make


@intrinsic
def spread(typing: Any, number: Any) -> Any:
    """The same double eight times."""

    def make(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return _spread(builder, args[0])

    return lanes(types.float64), make


@intrinsic
def spread_of(typing: Any, array: Any, at: Any) -> Any:
    """One double of a flat array eight times."""

    def make(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        data = context.make_array(signature.args[0])(context, builder, args[0]).data
        return _spread(builder, builder.load(builder.gep(data, [args[1]])))

    return lanes(array, types.intp), make


@intrinsic
def times(typing: Any, a: Any, b: Any) -> Any:
    """a · b."""

    def make(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return builder.fmul(args[0], args[1])

    return lanes(lanes, lanes), make


@intrinsic
def plus(typing: Any, a: Any, b: Any) -> Any:
    """a + b."""

    def make(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return builder.fadd(args[0], args[1])

    return lanes(lanes, lanes), make


@intrinsic
def minus(typing: Any, a: Any, b: Any) -> Any:
    """a - b."""

    def make(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return builder.fsub(args[0], args[1])

    return lanes(lanes, lanes), make


@intrinsic
def over(typing: Any, a: Any, b: Any) -> Any:
    """a / b."""

    def make(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return builder.fdiv(args[0], args[1])

    return lanes(lanes, lanes), make


@intrinsic
def times_plus(typing: Any, a: Any, b: Any, c: Any) -> Any:
    """a · b + c, rounded once."""

    def make(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        name, kind = f"llvm.fma.v{LANES}f64", ir.FunctionType(VECTOR, [VECTOR] * 3)
        return builder.call(cgutils.get_or_insert_function(builder.module, kind, name), args)

    return lanes(lanes, lanes, lanes), make


@intrinsic
def choose(typing: Any, mask: Any, yes: Any, no: Any) -> Any:
    """`yes` where the lane's bit of the mask is set, else `no`."""

    def make(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return builder.select(_bits(builder, args[0]), args[1], args[2])

    return lanes(types.int64, lanes, lanes), make


@intrinsic
def either(typing: Any, flag: Any, yes: Any, no: Any) -> Any:
    """`yes` or `no`, without a jump that would be guessed wrong half the time."""

    def make(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return builder.select(builder.trunc(args[0], ir.IntType(1)), args[1], args[2])

    return yes(types.int64, yes, yes), make


@intrinsic
def at_most(typing: Any, a: Any, b: Any) -> Any:
    """A bit a lane: whether a <= b; not of NaN."""

    def make(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        bits = builder.fcmp_ordered("<=", args[0], args[1])
        return builder.zext(builder.bitcast(bits, ir.IntType(LANES)), ir.IntType(64))

    return types.int64(lanes, lanes), make


@intrinsic
def total(typing: Any, a: Any) -> Any:
    """The even lanes added one after another, and the odd ones, then both."""

    def make(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        at = [ir.Constant(ir.IntType(32), n) for n in range(LANES)]
        pairs = [
            builder.shuffle_vector(args[0], args[0], ir.Constant(ir.VectorType(ir.IntType(32), 2), [n, n + 1]))
            for n in range(0, LANES, 2)
        ]
        both = reduce(builder.fadd, pairs)
        return builder.fadd(builder.extract_element(both, at[0]), builder.extract_element(both, at[1]))

    return types.float64(lanes), make


@compiled
def scratch(size):
    """Room for so many doubles, its eights each in one cache line."""
    room = np.empty(size + LANES)
    start = (-room.ctypes.data % 64) // 8
    return room[start : start + size]


@compiled
def in_categories(x, start, bits):
    """Whether a category is one of those that go left; NaN, negative and unknown ones are not."""
    if not (x > -1.0 and x < 2147483648.0):
        return 0
    code = np.int64(x)
    word = code >> 5
    if word >= bits[start]:
        return 0
    return (bits[start + 1 + word] >> (code & 31)) & 1


@compiled
def goes_left(node, x, features, bits):
    """Whether a row goes left; behind its features stand the same once more, with NaN for zero."""
    kind = node.kind
    v = x[node.feature + (kind >> 2) * features]
    if kind & 1:
        return in_categories(v, np.int64(node.threshold), bits)
    return np.int64(v <= node.threshold) | ((kind >> 1) & np.int64(v != v))


def _in_blocks(width: int) -> Any:
    """`explain_blocks` for blocks of so many rows, a multiple of `LANES`; compiled apart, so that loops have an end."""
    every = (1 << width) - 1

    def explain(matrix, first, last, forest, raw, parts):
        """Log-odds of rows `first` to `last`, and what each feature adds where `parts` has columns."""
        tree, nodes, gauss, bits, most = forest
        features = matrix.shape[1]
        want = parts.shape[1] > 0
        x = scratch(2 * features * width)  # as `goes_left` has it, rows beside one another
        missing = np.empty(2 * features, np.int64)
        sums = scratch(features * width)
        score = scratch(width)
        reached = np.empty(2 * most + 2, np.int64)  # of each edge, the rows that come to it
        on = np.empty(2 * most + 2, np.int64)  # and those that its feature lets through to it
        q, slope, e = scratch((most + 1) * LANES), scratch((most + 1) * LANES), scratch((most + 1) * LANES)
        product, below = scratch((most + 1) * LANES * LANES), scratch((most + 1) * LANES * LANES)
        below[: LANES * LANES] = 0.0  # of leaves, whose values stand with their parents
        reached[:2], on[:2] = every, every
        one, nothing = spread(1.0), spread(0.0)
        for begin in range(first, last, width):
            rows = min(width, last - begin)
            score[:] = 0.0
            sums[:] = 0.0
            for j in range(features):
                nan, nil = 0, 0
                for r in range(width):
                    v = matrix[begin + r, j] if r < rows else 0.0
                    small = abs(v) <= ZERO
                    nan |= np.int64(v != v) << r
                    nil |= np.int64(small) << r
                    x[j * width + r] = 0.0 if small else v
                    x[(features + j) * width + r] = np.nan if small else v
                missing[j], missing[features + j] = nan, nan | nil
            for number in range(tree.shape[0]):
                start, count, points, wide, stands = tree[number]
                # Which rows go left, and which leaf each comes to.
                for s in range(1, count + 1):
                    node = nodes[start + s - 1]
                    kind = node.kind
                    column = node.feature + (kind >> 2) * features
                    mask = 0
                    if kind & 1:
                        for r in range(width):
                            mask |= in_categories(x[column * width + r], np.int64(node.threshold), bits) << r
                    else:
                        highest = spread(node.threshold)
                        for v in range(0, width, LANES):
                            mask |= at_most(load(x, column * width + v), highest) << v
                        mask |= missing[column] & -((kind >> 1) & 1)
                    come, let = reached[node.edge], on[node.earlier]
                    reached[2 * s], reached[2 * s + 1] = come & mask, come & ~mask
                    on[2 * s], on[2 * s + 1] = let & mask, let & ~mask
                    if node.left == 0 and come & mask:
                        for v in range(0, width, LANES):
                            now = load(score, v)
                            store(score, v, choose((come & mask) >> v, plus(now, spread(node.left_value)), now))
                    if node.right == 0 and come & ~mask:
                        for v in range(0, width, LANES):
                            now = load(score, v)
                            store(score, v, choose((come & ~mask) >> v, plus(now, spread(node.right_value)), now))
                if not want:
                    continue
                for chunk in range(0, wide, LANES):
                    t, near = load(gauss, stands + chunk), min(points - chunk, LANES)
                    for s in range(1, count + 1):
                        node = nodes[start + s - 1]
                        if node.earlier:
                            z = spread(node.let)
                            y = over(one, times_plus(t, spread(1.0 - node.let), z))
                            store(q, s * LANES, times(t, y))
                            store(slope, s * LANES, times(times(z, y), y))
                        else:
                            store(q, s * LANES, t)
                    for v in range(0, width, LANES):
                        # Down: the products; then up: what the leaves below a split say, and what the split adds.
                        for k in range(near):
                            store(product, (LANES + k) * LANES, spread_of(gauss, stands + wide + chunk + k))
                        for s in range(1, count + 1):
                            node = nodes[start + s - 1]
                            left = choose(on[2 * s] >> v, spread(1.0 - node.ratio), nothing)
                            store(e, s * LANES, choose(on[2 * s + 1] >> v, spread(-node.ratio), left))
                            if s == 1:
                                continue
                            parent, side = np.int64(node.edge >> 1), node.edge & 1
                            r = nodes[start + parent - 1].ratio
                            share = spread(1.0 - r if side else r)
                            goes = times(load(e, parent * LANES), spread(1.0 - 2.0 * side))
                            for k in range(near):
                                factor = times_plus(spread_of(q, parent * LANES + k), goes, share)
                                above = load(product, (parent * LANES + k) * LANES)
                                store(product, (s * LANES + k) * LANES, times(above, factor))
                        for s in range(count, 0, -1):
                            node = nodes[start + s - 1]
                            to_left, to_right = np.int64(node.left) * LANES, np.int64(node.right) * LANES
                            goes, share = load(e, s * LANES), spread(node.ratio)
                            left_value, right_value = spread(node.left_value), spread(node.right_value)
                            even, odd = nothing, nothing
                            for k in range(near):
                                right = plus(load(below, (to_right + k) * LANES), right_value)
                                apart = minus(plus(load(below, (to_left + k) * LANES), left_value), right)
                                factor = times_plus(spread_of(q, s * LANES + k), goes, share)
                                store(below, (s * LANES + k) * LANES, times_plus(factor, apart, right))
                                adds = times(load(product, (s * LANES + k) * LANES), apart)
                                if node.earlier:
                                    adds = times(adds, spread_of(slope, s * LANES + k))
                                even, odd = odd, plus(even, adds)  # by turns, as `total` has it
                            at = node.feature * width + v
                            store(sums, at, plus(load(sums, at), times(goes, plus(even, odd))))
            for r in range(rows):
                raw[begin + r] = score[r]
                if want:
                    for j in range(features):
                        parts[begin + r, j] = sums[j * width + r]

    return compiled(explain)


explain_blocks, explain_few = _in_blocks(ROWS), _in_blocks(LANES)


@compiled
def explain_singly(matrix, first, last, forest, raw, parts):
    """`explain_blocks` for a row or two, one by one."""
    tree, nodes, gauss, bits, most = forest
    features = matrix.shape[1]
    want = parts.shape[1] > 0
    x = scratch(2 * features)  # as `goes_left` has it
    e, share = scratch(2 * most + 2), scratch(2 * most + 2)  # of each edge; e > 0 where the row goes on
    q, slope = scratch((most + 1) * LANES), scratch((most + 1) * LANES)
    product, below = scratch((most + 1) * LANES), scratch((most + 1) * LANES)
    one, nothing = spread(1.0), spread(0.0)
    # Above the root stands an edge that all rows pass; below a leaf, whose value stands with its parent, nothing.
    e[0], share[0] = 1.0, 1.0
    store(q, 0, nothing)
    store(below, 0, nothing)
    for row in range(first, last):
        for j in range(features):
            v = matrix[row, j]
            small = abs(v) <= ZERO
            x[j] = 0.0 if small else v
            x[features + j] = np.nan if small else v
        score = 0.0
        for number in range(tree.shape[0]):
            start, count, wide, stands = tree[number, 0] - 1, tree[number, 1], tree[number, 3], tree[number, 4]
            if not want:
                s, value = np.int64(1), 0.0
                while s:
                    node = nodes[start + s]
                    goes = goes_left(node, x, features, bits)
                    value = node.left_value if goes else node.right_value
                    s = np.int64(node.left if goes else node.right)
                score += value
                continue
            # Where the row goes at each split, and which leaf it comes to.
            reached, value = np.int64(1), 0.0
            for s in range(1, count + 1):
                node = nodes[start + s]
                goes = goes_left(node, x, features, bits)
                here = np.int64(reached == s)
                value = either(here, either(goes, node.left_value, node.right_value), value)
                reached = either(here, np.int64(either(goes, node.left, node.right)), reached)
                r = node.ratio
                left = either(np.int64(e[node.earlier] > 0.0), either(goes, 1.0 - r, -r), 0.0)
                e[2 * s], e[2 * s + 1], share[2 * s], share[2 * s + 1] = left, -left, r, 1.0 - r
            score += value
            # Down: the products; then up: what the leaves below a split say, and what the split adds.
            for chunk in range(stands, stands + wide, LANES):
                t = load(gauss, chunk)
                store(product, 0, load(gauss, chunk + wide))
                for s in range(1, count + 1):
                    node = nodes[start + s]
                    edge = np.int64(node.edge)
                    above = (edge >> 1) * LANES
                    factor = times_plus(load(q, above), spread_of(e, edge), spread_of(share, edge))
                    store(product, s * LANES, times(load(product, above), factor))
                    if node.earlier:
                        z = spread(node.let)
                        y = over(one, times_plus(t, spread(1.0 - node.let), z))
                        store(q, s * LANES, times(t, y))
                        store(slope, s * LANES, times(times(z, y), y))
                    else:
                        store(q, s * LANES, t)
                for s in range(count, 0, -1):
                    node = nodes[start + s]
                    right = plus(load(below, np.int64(node.right) * LANES), spread(node.right_value))
                    left = plus(load(below, np.int64(node.left) * LANES), spread(node.left_value))
                    apart = minus(left, right)
                    factor = times_plus(load(q, s * LANES), spread_of(e, 2 * s), spread(node.ratio))
                    store(below, s * LANES, times_plus(factor, apart, right))
                    adds = times(load(product, s * LANES), apart)
                    if node.earlier:
                        adds = times(adds, load(slope, s * LANES))
                    parts[row, node.feature] += e[2 * s] * total(adds)
        raw[row] = score
