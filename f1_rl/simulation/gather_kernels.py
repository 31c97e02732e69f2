"""Access to memory that Numba has no words for.

A loop that reads a table at computed places and writes an array is done one element at a time
unless the compiler knows that no write changes the table. :func:`table_pair` and
:func:`store_apart` attach LLVM's alias scopes, which say so; after that such a loop runs on 8 or
16 columns at once. :func:`count_up` counts on behalf of several threads.

Numba's cache on disk does not see changes of this file: after one, change the callers' too.
"""

from __future__ import annotations

from typing import Any

from llvmlite import ir  # type: ignore[import-untyped]
from numba import types
from numba.extending import intrinsic


def _scope(builder: Any) -> Any:
    module = builder.module
    domain = module.add_metadata(["f1_rl tables"])
    return module.add_metadata([module.add_metadata(["f1_rl table", domain])])


@intrinsic
def table_pair(typing: Any, table: Any, first: Any, row: Any, width: Any, column: Any) -> Any:
    """Read the int32 at a place of a grid and its right neighbour as one int64.

    Args:
        typing: Passed by Numba.
        table: Contiguous int32 array that nothing writes meanwhile.
        first: int32, index of the grid's first element; neither this sum's bounds nor its
            sign are checked.
        row: int32.
        width: int32, elements a row.
        column: int32.

    Returns:
        int64, the neighbour in the upper half.
    """
    if not (isinstance(table, types.Array) and table.dtype == types.int32):
        return None

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        table, first, row, width, column = args
        data = context.make_array(signature.args[0])(context, builder, table).data
        index = builder.add(builder.add(builder.mul(row, width), column), first)
        pointer = builder.gep(data, [builder.sext(index, ir.IntType(64))])
        value = builder.load(builder.bitcast(pointer, ir.IntType(64).as_pointer()), align=4)
        value.set_metadata("alias.scope", _scope(builder))
        return value

    return types.int64(table, types.int32, types.int32, types.int32, types.int32), generate


@intrinsic
def store_apart(typing: Any, array: Any, index: Any, value: Any) -> Any:
    """Write ``array[index] = value`` to memory that is no table of :func:`table_pair`.

    Args:
        typing: Passed by Numba.
        array: Contiguous 1-D array.
        index: Integer >= 0; neither sign nor bounds are checked.
        value: Cast to the array's type.
    """
    if not isinstance(array, types.Array):
        return None

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        data = context.make_array(signature.args[0])(context, builder, args[0]).data
        store = builder.store(args[2], builder.gep(data, [args[1]]))
        store.set_metadata("noalias", _scope(builder))
        return context.get_dummy_value()

    return types.void(array, types.int64, array.dtype), generate


@intrinsic
def count_up(typing: Any, counters: Any, place: Any) -> Any:
    """Add one to an element of an int64 array and return what it was, atomically.

    All that this thread wrote before can be read by who sees the new count.

    Args:
        typing: Passed by Numba.
        counters: Contiguous int64 array.
        place: int64 >= 0; neither sign nor bounds are checked.
    """
    if not (isinstance(counters, types.Array) and counters.dtype == types.int64):
        return None

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        data = context.make_array(signature.args[0])(context, builder, args[0]).data
        one = ir.Constant(ir.IntType(64), 1)
        return builder.atomic_rmw("add", builder.gep(data, [args[1]]), one, "acq_rel")

    return types.int64(counters, types.int64), generate
