"""The walks, compiled: eight doubles at a time, no memory asked for, nothing reordered.

Rows are walked 32 at a time, rows beside one another in the lanes; few rows are walked one by one, quadrature nodes
beside one another. Both do the same sums in the same order, so that a row has the same bits alone and among others.
Compiled code waits in numba's cache; where that cannot be written, each process compiles anew (some seconds).
"""

from __future__ import annotations

from typing import Any

import numpy as np
from llvmlite import ir
from numba import types
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
def choose(typing: Any, mask: Any, yes: Any, no: Any) -> Any:
    """`yes` where the lane's bit of the mask is set, else `no`."""

    def make(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return builder.select(_bits(builder, args[0]), args[1], args[2])

    return lanes(types.int64, lanes, lanes), make


@intrinsic
def at_most(typing: Any, a: Any, b: Any) -> Any:
    """A bit a lane: whether a <= b; not of NaN."""

    def make(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        bits = builder.fcmp_ordered("<=", args[0], args[1])
        return builder.zext(builder.bitcast(bits, ir.IntType(LANES)), ir.IntType(64))

    return types.int64(lanes, lanes), make


@intrinsic
def total(typing: Any, start: Any, a: Any) -> Any:
    """The start and the lanes added one after another, the first first."""

    def make(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        number = args[0]
        for lane in range(LANES):
            number = builder.fadd(number, builder.extract_element(args[1], ir.Constant(ir.IntType(32), lane)))
        return number

    return types.float64(types.float64, lanes), make


@compiled
def in_categories(x, start, words, bits):
    """Whether a category is one of those that go left; NaN, negative and unknown ones are not."""
    if not (x > -1.0 and x < 2147483648.0):
        return 0
    code = np.int64(x)
    word = code >> 5
    if word >= words:
        return 0
    return (bits[start + word] >> (code & 31)) & 1


def _in_blocks(width: int) -> Any:
    """`explain_blocks` for blocks of so many rows, a multiple of `LANES`; compiled apart, so that loops have an end."""
    every = (1 << width) - 1

    def explain(matrix, first, last, forest, raw, parts):
        """Log-odds of rows `first` to `last`, and what each feature adds where `parts` has columns."""
        tree, steps, split, threshold, child, place, before, shut, table, factors, value, bits, sizes = forest
        most_nodes, places, widest = sizes
        features = matrix.shape[1]
        want = parts.shape[1] > 0
        x = np.empty(features * width)
        missing = np.empty(features, np.int64)
        zero = np.empty(features, np.int64)
        sums = np.empty(features * width)
        score = np.empty(width)
        product = np.empty(places * widest * width)
        left = np.empty(most_nodes, np.int64)
        on = np.empty(most_nodes, np.int64)
        reach = np.empty(most_nodes, np.int64)
        for begin in range(first, last, width):
            rows = min(width, last - begin)
            score[:] = 0.0
            sums[:] = 0.0
            for j in range(features):
                nan, nil = 0, 0
                for r in range(width):
                    v = matrix[begin + r, j] if r < rows else 0.0
                    if v != v:
                        nan |= 1 << r
                    elif abs(v) <= ZERO:
                        nil |= 1 << r
                        v = 0.0
                    x[j * width + r] = v
                missing[j], zero[j] = nan, nil
            step = 0
            for number in range(tree.shape[0]):
                node_first, node_last, leaf_first = tree[number, 0], tree[number, 1], tree[number, 2]
                points = tree[number, 4]
                wide = tree[number, 5]
                if node_first == node_last:
                    for r in range(width):
                        score[r] += value[leaf_first]
                    continue
                for node in range(node_first, node_last):
                    j = split[node, 0]
                    kind = split[node, 1]
                    mask = 0
                    if kind & 1:
                        for r in range(width):
                            mask |= in_categories(x[j * width + r], split[node, 2], split[node, 3], bits) << r
                    else:
                        most = spread(threshold[node])
                        for v in range(0, width, LANES):
                            mask |= at_most(load(x, j * width + v), most) << v
                        default = missing[j]
                        if kind & 4:
                            default |= zero[j]
                        if kind & 2:
                            mask |= default
                        else:
                            mask &= ~default
                    left[node - node_first] = mask
                    earlier = before[node, 0]
                    if earlier < 0:
                        on[node - node_first] = every
                    elif before[node, 1]:
                        on[node - node_first] = on[earlier - node_first] & left[earlier - node_first]
                    else:
                        on[node - node_first] = on[earlier - node_first] & (every ^ left[earlier - node_first])
                # Which leaf each row comes to.
                reach[0] = every
                for node in range(node_first, node_last):
                    for side in range(2):
                        mask = reach[node - node_first] & (
                            left[node - node_first] if side == 0 else every ^ left[node - node_first]
                        )
                        to = child[node, side]
                        if to >= 0:
                            reach[to - node_first] = mask
                        elif mask:
                            leaf = spread(value[~to])
                            for v in range(0, width, LANES):
                                now = load(score, v)
                                store(score, v, choose(mask >> v, plus(now, leaf), now))
                if not want:
                    continue
                one = spread(1.0)
                for k in range(points * width // LANES):
                    store(product, k * LANES, one)
                for _ in range(2 * (node_last - node_first)):
                    told = steps[step]
                    step += 1
                    node = told if told >= 0 else ~told
                    here = place[node, 0] * points * width
                    to_left = place[node, 1] * points * width
                    to_right = place[node, 2] * points * width
                    go_left = table[node] + 4 * wide
                    go_right = table[node]
                    mask = left[node - node_first]
                    if told >= 0:
                        if before[node, 0] < 0:
                            for k in range(points):
                                a1, a0 = spread_of(factors, go_left + k), spread_of(factors, go_right + k)
                                b1, b0 = spread_of(factors, go_left + wide + k), spread_of(factors, go_right + wide + k)
                                for v in range(0, width, LANES):
                                    h = load(product, here + k * width + v)
                                    store(product, to_left + k * width + v, times(h, choose(mask >> v, a1, a0)))
                                    store(product, to_right + k * width + v, times(h, choose(mask >> v, b1, b0)))
                        else:
                            a2, b2 = spread(shut[node, 0]), spread(shut[node, 1])
                            let = on[node - node_first]
                            for k in range(points):
                                a1, a0 = spread_of(factors, go_left + k), spread_of(factors, go_right + k)
                                b1, b0 = spread_of(factors, go_left + wide + k), spread_of(factors, go_right + wide + k)
                                for v in range(0, width, LANES):
                                    h = load(product, here + k * width + v)
                                    a = choose(let >> v, choose(mask >> v, a1, a0), a2)
                                    b = choose(let >> v, choose(mask >> v, b1, b0), b2)
                                    store(product, to_left + k * width + v, times(h, a))
                                    store(product, to_right + k * width + v, times(h, b))
                    else:
                        let = on[node - node_first]
                        nothing = spread(0.0)
                        for v in range(0, width, LANES):
                            added = nothing
                            for k in range(points):
                                a = load(product, to_left + k * width + v)
                                b = load(product, to_right + k * width + v)
                                store(product, here + k * width + v, plus(a, b))
                                up = 2 * wide + k
                                da = choose(
                                    mask >> v, spread_of(factors, go_left + up), spread_of(factors, go_right + up)
                                )
                                up += wide
                                db = choose(
                                    mask >> v, spread_of(factors, go_left + up), spread_of(factors, go_right + up)
                                )
                                added = plus(added, plus(times(a, da), times(b, db)))
                            at = split[node, 0] * width + v
                            store(sums, at, plus(load(sums, at), choose(let >> v, added, nothing)))
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
    tree, steps, split, threshold, child, place, before, shut, table, factors, value, bits, sizes = forest
    most_nodes, places, widest = sizes
    want = parts.shape[1] > 0
    product = np.empty(places * widest)
    state = np.empty(most_nodes, np.int64)
    for row in range(first, last):
        x = matrix[row]
        score = 0.0
        step = 0
        for number in range(tree.shape[0]):
            node_first, node_last = tree[number, 0], tree[number, 1]
            wide = tree[number, 5]
            if node_first == node_last:
                score += value[tree[number, 2]]
                continue
            for k in range(0, wide, LANES):
                store(product, k, spread(1.0))
            reached = node_first
            for node in range(node_first, node_last):
                v = x[split[node, 0]]
                kind = split[node, 1]
                if kind & 1:
                    goes = in_categories(v, split[node, 2], split[node, 3], bits)
                elif v != v or (kind & 4 and abs(v) <= ZERO):
                    goes = (kind >> 1) & 1
                else:
                    goes = np.int64((v if abs(v) > ZERO else 0.0) <= threshold[node])
                if reached == node:
                    reached = child[node, 1 - goes]
                    if reached < 0:
                        score += value[~reached]
                        if not want:
                            break
                        reached = node_last
                earlier = before[node, 0]
                if earlier >= 0 and state[earlier - node_first] != before[node, 1]:
                    goes = 2
                state[node - node_first] = goes
            if not want:
                continue
            for _ in range(2 * (node_last - node_first)):
                told = steps[step]
                step += 1
                node = told if told >= 0 else ~told
                here = place[node, 0] * wide
                to_left = place[node, 1] * wide
                to_right = place[node, 2] * wide
                at = state[node - node_first]
                start = table[node] + 4 * wide * at
                if told >= 0:
                    if at < 2:
                        for k in range(0, wide, LANES):
                            h = load(product, here + k)
                            store(product, to_left + k, times(h, load(factors, start + k)))
                            store(product, to_right + k, times(h, load(factors, start + wide + k)))
                    else:
                        a, b = spread(shut[node, 0]), spread(shut[node, 1])
                        for k in range(0, wide, LANES):
                            h = load(product, here + k)
                            store(product, to_left + k, times(h, a))
                            store(product, to_right + k, times(h, b))
                else:
                    added = 0.0
                    for k in range(0, wide, LANES):
                        a = load(product, to_left + k)
                        b = load(product, to_right + k)
                        store(product, here + k, plus(a, b))
                        if at < 2:
                            da = load(factors, start + 2 * wide + k)
                            db = load(factors, start + 3 * wide + k)
                            added = total(added, plus(times(a, da), times(b, db)))
                    parts[row, split[node, 0]] += added
        raw[row] = score
