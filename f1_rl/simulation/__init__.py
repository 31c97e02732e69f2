"""The embedded simulator: cars on circuits, their cameras and their motion, many at once."""

from f1_rl.simulation.appearance import NOMINAL_PALETTE, PALETTES, Appearance
from f1_rl.simulation.camera import Camera, View
from f1_rl.simulation.obstacles import Obstacle
from f1_rl.simulation.renderer import Renderer
from f1_rl.simulation.simulator import Simulator
from f1_rl.simulation.traffic import (
    EMPTY_ROAD,
    NO_TRAFFIC,
    Traffic,
    load_traffic,
    traffic_name,
    traffic_names,
)
from f1_rl.simulation.variation import Variation
from f1_rl.simulation.vehicles import KinematicCar, SingleTrackCar, Vehicle, VehicleState
from f1_rl.simulation.warmup import warm_up

__all__ = [
    "EMPTY_ROAD",
    "NOMINAL_PALETTE",
    "NO_TRAFFIC",
    "PALETTES",
    "Appearance",
    "Camera",
    "KinematicCar",
    "Obstacle",
    "Renderer",
    "Simulator",
    "SingleTrackCar",
    "Traffic",
    "Variation",
    "Vehicle",
    "VehicleState",
    "View",
    "load_traffic",
    "traffic_name",
    "traffic_names",
    "warm_up",
]
