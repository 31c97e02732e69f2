"""Reading worlds as Gazebo does, and drawing them with a pinhole camera and a depth buffer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree
from xml.etree.ElementTree import Element

import numpy as np
from numpy.typing import NDArray

from f1_rl.simulation import Camera

ROOT = Path(__file__).parents[2]

# Longer than any triangle of a circuit's meshes.
_NEARBY_M = 8.0


def floats(parent: Element, path: str) -> list[float]:
    """Numbers below an element; none where there is no such element."""
    return [float(part) for part in (parent.findtext(path) or "").split()]


def number(parent: Element, path: str) -> float:
    (value,) = floats(parent, path)
    return value


def plugin(parent: Element, name: str) -> Element | None:
    return parent.find(f"plugin[@name='gz::sim::systems::{name}']")


@dataclass(frozen=True)
class WrittenWorld:
    """The files of one world, by path, and the XML of its three parts."""

    files: Mapping[str, str]
    world: Element
    circuit: Element
    car: Element

    @classmethod
    def read(cls, files: Mapping[str, str], name: str) -> WrittenWorld:
        world = ElementTree.fromstring(files[f"worlds/{name}.sdf"]).find("world")
        uris = [include.findtext("uri") for include in world.findall("include")]
        models = [
            ElementTree.fromstring(files[f"models/{uri.removeprefix('model://')}/model.sdf"])
            for uri in uris
        ]
        circuit, car = (model.find("model") for model in models)
        return cls(files, world, circuit, car)

    @property
    def engine(self) -> str:
        return plugin(self.world, "Sensors").findtext("render_engine")

    def mesh(self, uri: str) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
        """Corners (V, 3) and triangles (T, 3) of an OBJ file."""
        return read_obj(self.files[f"models/{uri.removeprefix('model://')}"])


def checked_in(*names: str) -> dict[str, str]:
    """Text of the files below some folders of the repository, by path."""
    return {
        path.relative_to(ROOT).as_posix(): path.read_text("utf-8")
        for name in names
        for path in sorted((ROOT / name).rglob("*"))
        if path.is_file()
    }


def read_obj(text: str) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    rows = [line.split() for line in text.splitlines()]
    corners = np.array([row[1:] for row in rows if row[0] == "v"], float)
    faces = [[int(corner.split("/")[0]) for corner in row[1:]] for row in rows if row[0] == "f"]
    return corners, np.array(faces) - 1


def levels(colour: list[float], engine: str) -> NDArray[np.uint8]:
    """What an engine writes into the picture for a colour."""
    linear = np.array(colour[:3])
    if engine == "ogre2":
        curve = 1.055 * np.power(linear, 1 / 2.4) - 0.055
        linear = np.where(linear <= 0.0031308, 12.92 * linear, curve)
    return np.rint(255 * linear).astype(np.uint8)


class Painter:
    """One picture of a written world; the car's camera looks along x and has no pitch."""

    def __init__(self, camera: Camera, x_m: float, y_m: float, yaw_rad: float) -> None:
        cos, sin = np.cos(yaw_rad), np.sin(yaw_rad)
        self.camera = camera
        self.turn = np.array([[cos, sin], [-sin, cos]])
        self.eye = np.array([x_m, y_m]) + np.array([camera.x_m, camera.y_m]) @ self.turn
        focal = camera.focal_length_px
        self.right = (np.arange(camera.width) + 0.5 - camera.width / 2) / focal
        self.down = (np.arange(camera.height) + 0.5 - camera.height / 2) / focal
        shape = camera.height, camera.width
        self.depth = np.full(shape, camera.far_m)
        self.picture = np.zeros((*shape, 3), np.uint8)

    def draw(self, world: WrittenWorld) -> NDArray[np.uint8]:
        sensors = plugin(world.world, "Sensors")
        self.picture[:] = levels(floats(sensors, "background_color"), world.engine)
        for visual in world.circuit.iter("visual"):
            colour = levels(floats(visual, "material/emissive"), world.engine)
            pose = floats(visual, "pose")
            if visual.find("geometry/plane") is not None:
                self._fill(np.ones(self.depth.shape, bool), self._level_depth(pose[2]), colour)
            elif (uri := visual.findtext("geometry/mesh/uri")) is not None:
                self._mesh(*world.mesh(uri), pose, colour)
            else:
                self._box(floats(visual, "geometry/box/size"), pose, colour)
        return self.picture

    def draw_model(self, model: Element, engine: str) -> None:
        """Draw the boxes of a model of one link in front of what there is."""
        x, y, _, _, _, yaw = floats(model, "pose")
        for visual in model.iter("visual"):
            ahead, left, height = floats(visual, "pose")[:3]
            cos, sin = np.cos(yaw), np.sin(yaw)
            pose = [x + cos * ahead - sin * left, y + sin * ahead + cos * left, height, 0, 0, yaw]
            colour = levels(floats(visual, "material/emissive"), engine)
            self._box(floats(visual, "geometry/box/size"), pose, colour)

    def _level_depth(self, height_m: float) -> NDArray[np.float64]:
        """Depth at which each pixel's ray meets a level, infinite above the horizon."""
        depth = np.full(len(self.down), np.inf)
        below = self.down > 0
        depth[below] = (self.camera.z_m - height_m) / self.down[below]
        return np.broadcast_to(depth[:, None], self.depth.shape)

    def _fill(self, mask: NDArray[np.bool_], depth: NDArray[np.float64], colour: object) -> None:
        seen = mask & (depth < self.depth) & (depth > self.camera.near_m)
        self.depth[seen] = depth[seen]
        self.picture[seen] = colour

    def _mesh(self, corners, triangles, pose, colour) -> None:  # type: ignore[no-untyped-def]
        ahead, left = ((corners[:, :2] - self.eye) @ self.turn.T).T
        height = pose[2] - self.camera.z_m
        mask = np.zeros(self.depth.shape, bool)
        near, far = self.camera.near_m, self.camera.far_m
        widest = np.abs(self.right).max() * ahead + near
        seen = (ahead > near) & (ahead < far) & (np.abs(left) < widest)
        # A triangle may be seen though none of its corners is: keep those near the camera too.
        seen |= np.hypot(ahead, left) < _NEARBY_M
        for triangle in triangles[seen[triangles].any(axis=1)]:
            if (ahead[triangle] > near).any():
                polygon = np.stack([ahead[triangle], -left[triangle]], axis=1)
                self._polygon(_clipped(polygon, near), -height, mask)
        self._fill(mask, self._level_depth(pose[2]), colour)

    def _polygon(self, polygon: NDArray[np.float64], drop_m: float, mask: object) -> None:
        """Mark the pixels whose centres lie in a convex polygon, given as ahead and right."""
        columns, rows = polygon[:, 1] / polygon[:, 0], drop_m / polygon[:, 0]
        across = slice(*np.searchsorted(self.right, [columns.min(), columns.max()]))
        downwards = slice(*np.searchsorted(self.down, [rows.min(), rows.max()]))
        if downwards.start == downwards.stop or across.start == across.stop:
            return
        u, v = self.right[across][None, :], self.down[downwards][:, None]
        inside = np.ones((v.size, u.size), bool)
        area = np.sum(columns * np.roll(rows, -1) - rows * np.roll(columns, -1))
        for a in range(len(polygon)):
            b = (a + 1) % len(polygon)
            turn = (columns[b] - columns[a]) * (v - rows[a]) - (rows[b] - rows[a]) * (
                u - columns[a]
            )
            inside &= turn * np.sign(area) >= 0
        mask[downwards, across] |= inside

    def _box(self, size: list[float], pose: list[float], colour: object) -> None:
        cos, sin = np.cos(pose[5]), np.sin(pose[5])
        to_box = np.array([[cos, sin], [-sin, cos]])
        forward = np.array([self.turn[0], -self.turn[1]])  # ahead and right, in the world
        origin = np.append(to_box @ (self.eye - pose[:2]), self.camera.z_m - pose[2])
        ahead, right = to_box @ forward[0], to_box @ forward[1]
        near, far = np.zeros(self.depth.shape), np.full(self.depth.shape, np.inf)
        for axis in range(3):
            ray = (
                ahead[axis] + self.right[None, :] * right[axis]
                if axis < 2
                else -self.down[:, None] + 0 * self.right[None, :]
            )
            with np.errstate(divide="ignore"):
                one, other = ((s * size[axis] / 2 - origin[axis]) / ray for s in (-1, 1))
            near, far = (
                np.maximum(near, np.minimum(one, other)),
                np.minimum(far, np.maximum(one, other)),
            )
        self._fill(near < far, near, colour)


def _clipped(polygon: NDArray[np.float64], near_m: float) -> NDArray[np.float64]:
    """The part of a convex polygon that lies farther ahead than `near_m`."""
    kept = []
    for here, there in zip(polygon, np.roll(polygon, -1, axis=0), strict=True):
        if here[0] >= near_m:
            kept.append(here)
        if (here[0] >= near_m) != (there[0] >= near_m):
            share = (near_m - here[0]) / (there[0] - here[0])
            kept.append(here + share * (there - here))
    return np.array(kept)
