"""Workers of the simulator track: cameras, each drawing the same circuit."""

import cv2
import numpy as np
from numpy.typing import NDArray

from f1_rl.benchmark.channel import Channel, measure_repeatedly
from f1_rl.circuits import Circuit, Poses, load_circuit
from f1_rl.simulation import NOMINAL_PALETTE, Appearance, Camera, Renderer, Variation, View

_CIRCUIT = "simple"
_TEXTURE_M = 0.02
_LINE_M = 0.1


def direct_view(channel: Channel, *, batch: int, varied: bool = False) -> None:
    """Draw the rows and columns of an observation for many cars."""
    circuit, camera = load_circuit(_CIRCUIT), Camera()
    renderer, view = Renderer([circuit], camera), _view(camera)
    poses, index = _spread(circuit, batch), np.zeros(batch, np.int64)
    appearance = _appearance(batch, varied)
    out = np.empty((batch, *view.shape), np.uint8)
    measure_repeatedly(channel, lambda: renderer.view(index, poses, appearance, view, out), batch)


def whole_frame(channel: Channel, *, varied: bool = False) -> None:
    """Draw whole pictures of 640 x 480 in colour."""
    circuit = load_circuit(_CIRCUIT)
    renderer = Renderer([circuit], Camera())
    poses, appearance = _spread(circuit, 1), _appearance(1, varied)
    measure_repeatedly(channel, lambda: renderer.frames([0], poses, appearance), 1)


def texture(channel: Channel, *, size: tuple[int, int]) -> None:
    """Warp a texture into pictures of that width and height."""
    circuit = load_circuit(_CIRCUIT)
    camera = TextureCamera(circuit, Camera())
    pose = _spread(circuit, 1)
    x_m, y_m, yaw_rad = pose.x_m.item(), pose.y_m.item(), pose.yaw_rad.item()
    width, height = size
    measure_repeatedly(channel, lambda: camera.frame(x_m, y_m, yaw_rad, width, height), 1)


class TextureCamera:
    """The usual way: the circuit painted on a texture, warped into each picture."""

    def __init__(self, circuit: Circuit, camera: Camera) -> None:
        """Paint it."""
        low_x, low_y, high_x, high_y = circuit.bounds_m
        self._low_m = np.array([low_x - 2.0, low_y - 2.0])
        size = np.ceil((np.array([high_x, high_y]) + 2.0 - self._low_m) / _TEXTURE_M).astype(int)
        self._camera = camera
        self._texture: NDArray[np.uint8] = np.empty((size[1], size[0], 3), np.uint8)
        self._texture[:] = NOMINAL_PALETTE[1]
        points = np.stack([circuit.x_m, circuit.y_m], axis=-1) - self._low_m
        outline = [np.round(points / _TEXTURE_M).astype(np.int32)]
        road_m = 2 * float(circuit.width_left_m.mean())
        for width_m, colour in ((road_m, NOMINAL_PALETTE[2]), (_LINE_M, NOMINAL_PALETTE[3])):
            cv2.polylines(self._texture, outline, True, colour, round(width_m / _TEXTURE_M))

    def frame(self, x_m: float, y_m: float, yaw_rad: float, width: int, height: int) -> object:
        """Return what the camera sees from a pose, `(height, width, 3)`."""
        camera = self._camera
        focal_px = camera.focal_length_px * width / camera.width
        # Ground (right, ahead) of four pixels below the horizon, then where these lie in the map.
        rows = np.array([0.51 * height, 0.51 * height, height, height])
        columns = np.array([0.0, width, width, 0.0])
        ahead = focal_px * camera.z_m / (rows - height / 2)
        right = (columns - width / 2) / focal_px * ahead - camera.y_m
        ahead = ahead + camera.x_m
        cos, sin = np.cos(yaw_rad), np.sin(yaw_rad)
        ground = np.stack([x_m + cos * ahead + sin * right, y_m + sin * ahead - cos * right], -1)
        source = ((ground - self._low_m) / _TEXTURE_M).astype(np.float32)
        target = np.stack([columns, rows], axis=-1).astype(np.float32)
        matrix = cv2.getPerspectiveTransform(source, target)
        return cv2.warpPerspective(self._texture, matrix, (width, height))


def _view(camera: Camera) -> View:
    rows = np.unique(np.round(camera.row_at(np.geomspace(12.0, 0.25, 32))).astype(int))
    return View(tuple(int(row) for row in rows[:24]), 64, ((1.0, 0.0, 0.0),))


def _spread(circuit: Circuit, count: int) -> Poses:
    return circuit.pose_at(np.arange(count) * circuit.length_m / count)


def _appearance(count: int, varied: bool) -> Appearance:
    variation = Variation.domain() if varied else Variation()
    return variation.sample(np.random.default_rng(0), count)
