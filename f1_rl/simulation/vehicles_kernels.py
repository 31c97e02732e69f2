"""Compiled motion of many cars."""

from __future__ import annotations

import math

import numba
import numpy as np
from numpy.typing import NDArray

_FloatArray = NDArray[np.float64]

SLOWEST_STEERED_MPS = 0.3
"""Below this speed the steering angle for a yaw rate is the one for this speed."""


@numba.njit(cache=True, nogil=True)
def _advance_on_arc(
    x_m: _FloatArray,
    y_m: _FloatArray,
    yaw_rad: _FloatArray,
    car: int,
    way_m: float,
    turn_rad: float,
) -> None:
    """Move a car along an arc: by its chord, in the direction of its middle; exact."""
    half = 0.5 * turn_rad
    chord = way_m if abs(half) < 1e-6 else way_m * math.sin(half) / half
    x_m[car] += chord * math.cos(yaw_rad[car] + half)
    y_m[car] += chord * math.sin(yaw_rad[car] + half)
    yaw = yaw_rad[car] + turn_rad
    if yaw > math.pi or yaw <= -math.pi:
        yaw -= 2.0 * math.pi * math.ceil((yaw - math.pi) / (2.0 * math.pi))
    yaw_rad[car] = yaw


@numba.njit(cache=True, nogil=True)
def advance_kinematic(
    commands: _FloatArray,
    duration_s: _FloatArray,
    x_m: _FloatArray,
    y_m: _FloatArray,
    yaw_rad: _FloatArray,
    speed_mps: _FloatArray,
    yaw_rate_radps: _FloatArray,
) -> None:
    """Let cars do exactly what they are told, see :class:`KinematicCar`."""
    for car in range(x_m.shape[0]):
        if duration_s[car] <= 0.0:
            continue
        v, w = commands[car, 0], commands[car, 1]
        _advance_on_arc(x_m, y_m, yaw_rad, car, v * duration_s[car], w * duration_s[car])
        speed_mps[car] = v
        yaw_rate_radps[car] = w


@numba.njit(cache=True, nogil=True)
def _followed(lag_s: float, dt: float) -> float:
    """Return the share of a step that a first-order system makes in a time."""
    return 1.0 - math.exp(-dt / lag_s) if lag_s > 0.0 else 1.0


@numba.njit(cache=True, nogil=True)
def advance_single_track(
    commands: _FloatArray,
    duration_s: _FloatArray,
    limits: _FloatArray,
    x_m: _FloatArray,
    y_m: _FloatArray,
    yaw_rad: _FloatArray,
    speed_mps: _FloatArray,
    yaw_rate_radps: _FloatArray,
    steering_rad: _FloatArray,
    acceleration_mps2: _FloatArray,
) -> None:
    """Move cars within the limits of drive, steering and grip, see :class:`SingleTrackCar`.

    Args:
        commands: (N, 2).
        duration_s: (N,).
        limits: Wheelbase (m), acceleration, braking (m/s^2), steering angle (rad), steering
            rate (rad/s), grip (m/s^2), longest step (s), lag of drive and brakes (s), of
            steering (s).
        x_m: (N,) this and what follows is changed in place.
        y_m: (N,).
        yaw_rad: (N,).
        speed_mps: (N,).
        yaw_rate_radps: (N,).
        steering_rad: (N,).
        acceleration_mps2: (N,).
    """
    wheelbase, grip, drive_lag = limits[0], limits[5], limits[7]
    for car in range(x_m.shape[0]):
        if duration_s[car] <= 0.0:
            continue
        steps = math.ceil(duration_s[car] / limits[6] - 1e-9)
        dt = duration_s[car] / steps
        driven, turned = _followed(drive_lag, dt), _followed(limits[8], dt)
        for _ in range(steps):
            v = speed_mps[car]
            change = commands[car, 0] - v
            limit = min(limits[2] if change * v < 0.0 else limits[1], grip) * dt
            if drive_lag > 0.0:
                # With this gain the speed comes in critically damped.
                change *= min(1.0, 0.25 * dt / drive_lag)
            change = min(max(change, -limit), limit)
            if drive_lag > 0.0:
                change = dt * ((1.0 - driven) * acceleration_mps2[car] + driven * change / dt)
                acceleration_mps2[car] = change / dt
            mean = v + 0.5 * change

            steered = math.copysign(max(abs(mean), SLOWEST_STEERED_MPS), mean)
            target = math.atan(wheelbase * commands[car, 1] / steered)
            target = min(max(target, -limits[3]), limits[3])
            turn = limits[4] * dt
            steering = steering_rad[car]
            steering += min(max(turned * (target - steering), -turn), turn)

            yaw_rate = mean * math.tan(steering) / wheelbase
            # What the tyres spend on speeding up or braking they cannot spend on the corner.
            lateral = math.sqrt(max(grip * grip - (change / dt) ** 2, 0.0))
            if abs(yaw_rate * mean) > lateral:
                yaw_rate = math.copysign(lateral / abs(mean), yaw_rate)
            _advance_on_arc(x_m, y_m, yaw_rad, car, mean * dt, yaw_rate * dt)
            speed_mps[car] = v + change
            steering_rad[car] = steering
            yaw_rate_radps[car] = yaw_rate
