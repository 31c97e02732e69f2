"""Compiled noise: random bits, near-normal numbers, and what clipping does to their mean."""

from __future__ import annotations

import math

import numba
import numpy as np
from numpy.typing import NDArray

_fast = numba.njit(cache=True, nogil=True, fastmath=True, error_model="numpy", forceinline=True)


@_fast
def mix_bits(value: np.uint32) -> np.uint32:
    """Mix 32 bits: the multiply-xorshift hash of C. Wellons' "hash prospector"."""
    value = np.uint32(value ^ (value >> np.uint32(16)))
    value = np.uint32(value * np.uint32(0x7FEB352D))
    value = np.uint32(value ^ (value >> np.uint32(15)))
    value = np.uint32(value * np.uint32(0x846CA68B))
    return np.uint32(value ^ (value >> np.uint32(16)))


@_fast
def add_noise(values: NDArray[np.float32], scale: float, key: np.uint32) -> None:
    """Add a near-normal number to each value: the sum of the four bytes of a hash.

    Args:
        values: (C,) changed in place.
        scale: Standard deviation.
        key: Equal keys give equal noise.
    """
    # The sum of four uniform bytes has the mean 510 and the variance (256^2 - 1) / 3.
    factor = np.float32(scale / math.sqrt(65535.0 / 3.0))
    byte = np.uint32(255)
    for column in range(values.shape[0]):
        bits = mix_bits(np.uint32(np.uint32(column) * np.uint32(0x9E3779B9)) + key)
        low = (bits & byte) + ((bits >> np.uint32(8)) & byte)
        high = ((bits >> np.uint32(16)) & byte) + (bits >> np.uint32(24))
        values[column] += factor * np.float32(np.int32(low + high) - np.int32(510))


@_fast
def clipped_mean(mean: float, sigma: float) -> float:
    """Mean of a normal number after clipping to 0..255."""
    if sigma <= 0.0:
        return mean
    low, high = -mean / sigma, (255.0 - mean) / sigma
    below, above = 0.5 * math.erfc(-low / math.sqrt(2.0)), 0.5 * math.erfc(high / math.sqrt(2.0))
    bell = math.exp(-0.5 * low * low) - math.exp(-0.5 * high * high)
    return mean * (1.0 - below - above) + sigma * bell / math.sqrt(2.0 * math.pi) + 255.0 * above
