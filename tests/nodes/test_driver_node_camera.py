"""The driver as a process, before a camera that is not that of the training."""

from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
from driver_bench import Bench
from processes import NodeProcess, until

from f1_rl.calibration import CalibratedCamera, Intrinsics, Mounting, write_camera
from f1_rl.ros.messages import camera_info_message
from f1_rl.simulation import Camera

Start = Callable[..., NodeProcess]

NOMINAL = Camera()
PLACE = Mounting(x_m=NOMINAL.x_m, y_m=NOMINAL.y_m, z_m=NOMINAL.z_m)
FOCAL = NOMINAL.focal_length_px * 1.25
# The nominal camera with a picture of 800 x 600.
LARGE = Intrinsics(800, 600, (FOCAL, FOCAL), (399.5, 299.5))


def test_a_calibrated_camera_is_driven_by_and_another_one_refused(
    start: Start, bench: Bench, tmp_path: Path
) -> None:
    file = tmp_path / "camera.yaml"
    write_camera(file, CalibratedCamera("front", LARGE, PLACE))
    bench.reset()
    bench.change = lambda picture: np.ascontiguousarray(cv2.resize(picture, (800, 600)))
    driver = start(ready="active", camera_calibration=file)
    until(lambda: bench.drives, 20.0, driver.output)
    assert "pictures of front are made those of the training's camera" in driver.output()

    bench.infos.publish(camera_info_message(Camera(width=800, height=600), 0, "camera"))
    until(lambda: bench.drives, 5.0, bench.message)
    narrow = Camera(width=800, height=600, horizontal_fov_rad=1.2)
    bench.infos.publish(camera_info_message(narrow, 0, "camera"))
    until(lambda: "the calibration of front" in bench.message(), 5.0, bench.message)
    assert bench.stands
    bench.infos.publish(camera_info_message(Camera(width=800, height=600), 0, "camera"))
    until(lambda: bench.drives, 5.0, bench.message)

    bench.change = lambda picture: picture
    until(lambda: "calibrated with 800 x 600" in bench.message(), 5.0, bench.message)
    assert bench.stands
    driver.end()


def test_a_camera_without_a_mounting_is_refused_with_a_sentence(
    start: Start, tmp_path: Path
) -> None:
    write_camera(tmp_path / "camera.yaml", CalibratedCamera("front", LARGE))
    driver = start(camera_calibration=tmp_path / "camera.yaml")
    assert driver.wait(20.0) == 1
    assert "add it with f1-rl calibrate mounting" in driver.output()
