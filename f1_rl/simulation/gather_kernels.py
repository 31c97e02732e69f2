"""Loads and stores that tell the compiler that they never touch the same memory.

A loop that reads a table at computed places and writes an array is done one element at a time
unless the compiler knows that no write changes the table. Numba has no way to say so; these
three intrinsics attach LLVM's alias scopes, after which such a loop runs on 8 or 16 columns
at once.
"""

from __future__ import annotations

from typing import Any

from llvmlite import ir
from numba import types
from numba.extending import intrinsic


def _scope(builder: Any) -> Any:
    module = builder.module
    domain = module.add_metadata(["f1_rl tables"])
    return module.add_metadata([module.add_metadata(["f1_rl table", domain])])


@intrinsic
def table_pair(typingctx: Any, table: Any, index: Any) -> Any:
    """Read the int32 at ``index`` and its right neighbour as one int64, neighbour on top.

    Args:
        table: Contiguous int32 array that nothing writes meanwhile.
        index: int32 >= 0; neither sign nor bounds are checked.
    """
    if not (isinstance(table, types.Array) and table.dtype == types.int32):
        return None

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        data = context.make_array(signature.args[0])(context, builder, args[0]).data
        pointer = builder.gep(data, [builder.sext(args[1], ir.IntType(64))])
        wide = builder.bitcast(pointer, ir.IntType(64).as_pointer())
        value = builder.load(wide, align=4)
        value.set_metadata("alias.scope", _scope(builder))
        return value

    return types.int64(table, types.int32), generate


@intrinsic
def store_apart(typingctx: Any, array: Any, index: Any, value: Any) -> Any:
    """Write ``array[index] = value`` to memory that is no table of :func:`table_pair`.

    Args:
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
