"""Sums over scenarios kept in vector registers: one account's positions against one tile of a table.

A tile is `WIDTH` scenarios of every instrument, side by side: `table[tile, instrument, WIDTH]`. The kernel
adds size x row over an account's positions without its sums ever leaving the registers. numba cannot be
brought to do that from Python source (a local array is 2-5 times slower), so the loop is in LLVM's own terms.

Units: none; whole numbers held as float64. Rounding: none. While every sum of |size x entry| stays below
2**53 each product and sum is exact, so fused or not, in any order and at any vector width, the bits are the
same. Who calls this checks that bound (kernels/scenario_book.py).
"""

from __future__ import annotations

from typing import Any

from llvmlite import ir
from numba import types
from numba.core import cgutils as _cgutils
from numba.extending import intrinsic

WIDTH = 32  # 4 registers of AVX-512, 8 of AVX2: both leave room for the row being read

_intrinsic: Any = intrinsic  # typed for Python, it would ask for the typing context at every call
cgutils: Any = _cgutils  # numba's, without types
_PAIR: Any = types.UniTuple
_I32, _I64, _F64 = ir.IntType(32), ir.IntType(64), ir.DoubleType()
_VECTOR = ir.VectorType(_F64, WIDTH)
_ALIGNED = 64  # bytes; what aligned_table promises


def _llvm(builder: Any, name: str, result: Any, *takes: Any) -> Any:
    """One of LLVM's own functions, declared once in the module."""
    return cgutils.get_or_insert_function(builder.module, ir.FunctionType(result, takes), name)


def _row(builder: Any, table: Any, instruments: Any, tile: Any, instrument: Any) -> Any:
    """WIDTH table entries of one instrument, as a vector."""
    place = builder.mul(builder.add(builder.mul(tile, instruments), instrument), ir.Constant(_I64, WIDTH))
    start = builder.bitcast(builder.gep(table, [place]), _VECTOR.as_pointer())
    return builder.load(start, align=_ALIGNED)


def _spread(builder: Any, value: Any) -> Any:
    """A vector that holds `value` everywhere."""
    undefined = ir.Constant(_VECTOR, ir.Undefined)
    first = builder.insert_element(undefined, value, ir.Constant(_I32, 0))
    return builder.shuffle_vector(first, undefined, ir.Constant(ir.VectorType(_I32, WIDTH), None))


def _loop(builder: Any, arrays: Any, tile: Any, first: Any, last: Any, charge: Any = None) -> Any:
    """Sums over positions first..last-1 as (vector, gross charge), held in phis and so in registers."""
    instrument, size, table, instruments = arrays
    fused = _llvm(builder, f"llvm.fma.v{WIDTH}f64", _VECTOR, _VECTOR, _VECTOR, _VECTOR)
    before = builder.block
    body, after = builder.append_basic_block("position"), builder.append_basic_block("summed")
    builder.cbranch(builder.icmp_signed("<", first, last), body, after)
    builder.position_at_end(body)
    place, sums, gross = builder.phi(_I64), builder.phi(_VECTOR), builder.phi(_F64)
    which = builder.zext(builder.load(builder.gep(instrument, [place])), _I64)
    held = builder.load(builder.gep(size, [place]))
    row = _row(builder, table, instruments, tile, which)
    added = builder.call(fused, [_spread(builder, held), row, sums])
    charged = gross
    if charge is not None:
        magnitude = builder.call(_llvm(builder, "llvm.fabs.f64", _F64, _F64), [held])
        asked = builder.fmul(magnitude, builder.load(builder.gep(charge, [which])))
        charged = builder.fadd(gross, asked)
    following = builder.add(place, ir.Constant(_I64, 1))
    none, zero = ir.Constant(_VECTOR, None), ir.Constant(_F64, 0.0)
    for phi, start, step in ((place, first, following), (sums, none, added), (gross, zero, charged)):
        phi.add_incoming(start, before)
        phi.add_incoming(step, body)
    builder.cbranch(builder.icmp_signed("<", following, last), body, after)
    builder.position_at_end(after)
    totals = builder.phi(_VECTOR), builder.phi(_F64)
    for total, start, step in ((totals[0], none, added), (totals[1], zero, charged)):
        total.add_incoming(start, before)
        total.add_incoming(step, body)
    return totals


def _largest(builder: Any, sums: Any) -> Any:
    reduce = _llvm(builder, f"llvm.vector.reduce.fmax.v{WIDTH}f64", _F64, _VECTOR)
    return builder.call(reduce, [sums], fastmath=("nnan", "nsz"))


def _arrays(context: Any, builder: Any, signature: Any, args: Any) -> Any:
    instrument, size, table = (
        context.make_array(signature.args[k])(context, builder, args[k]) for k in range(3)
    )
    instruments = cgutils.unpack_tuple(builder, table.shape)[1]
    return instrument.data, size.data, table.data, instruments


@_intrinsic
def tile_worst(_typing, instrument, size, table, tile, first, last):  # type: ignore[no-untyped-def]
    """The largest of WIDTH sums over positions first..last-1 of one account; 0 or less where there is none.

    instrument: uint16 (positions,); size: float64 (positions,); table: float64 (tiles, instruments, WIDTH) on
    a 64-byte boundary; tile, first, last: int64. Indices are not checked.
    """

    def code(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        tile, first, last = args[3:]
        sums, _ = _loop(builder, _arrays(context, builder, signature, args), tile, first, last)
        return _largest(builder, sums)

    return types.float64(instrument, size, table, types.int64, types.int64, types.int64), code


@_intrinsic
def tile_worst_and_gross(  # type: ignore[no-untyped-def]
    _typing, instrument, size, table, tile, first, last, charge
):
    """(`tile_worst`, sum of |size| * charge over the same positions). charge: float64 (instruments,)."""

    def code(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        asked = context.make_array(signature.args[6])(context, builder, args[6]).data
        tile, first, last = args[3:6]
        sums, gross = _loop(builder, _arrays(context, builder, signature, args), tile, first, last, asked)
        return context.make_tuple(builder, signature.return_type, (_largest(builder, sums), gross))

    takes = (instrument, size, table, types.int64, types.int64, types.int64, charge)
    return _PAIR(types.float64, 2)(*takes), code


@_intrinsic
def tile_sums(_typing, instrument, size, table, tile, first, last, out, at):  # type: ignore[no-untyped-def]
    """The WIDTH sums themselves, to out[at : at + WIDTH]. out: float64 (n,), `at` a multiple of WIDTH.

    The other arguments are those of `tile_worst`; `out` begins on a 64-byte boundary.
    """

    def code(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        tile, first, last = args[3:6]
        sums, _ = _loop(builder, _arrays(context, builder, signature, args), tile, first, last)
        to = context.make_array(signature.args[6])(context, builder, args[6]).data
        place = builder.bitcast(builder.gep(to, [args[7]]), _VECTOR.as_pointer())
        builder.store(sums, place, align=_ALIGNED)
        return context.get_dummy_value()

    takes = (instrument, size, table, types.int64, types.int64, types.int64, out, types.int64)
    return types.void(*takes), code
