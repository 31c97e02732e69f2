"""The picture by which a calibration is checked can be read."""

import numpy as np
import pytest
from real_cameras import FISHEYE

from f1_rl.calibration import CalibratedCamera, Mounting, Reprojection, drawing
from f1_rl.driving.observation import Preprocessing
from f1_rl.driving.settings import TaskSettings


def test_no_label_of_the_grid_covers_another(monkeypatch: pytest.MonkeyPatch) -> None:
    written: list[tuple[int, str, int, int]] = []

    def write(picture: np.ndarray, text: str, place: tuple[int, int]) -> None:
        written.append((id(picture), text, *place))

    monkeypatch.setattr(drawing, "_write", write)
    mounting = Mounting(x_m=0.3, z_m=0.14, pitch_rad=0.2, roll_rad=0.02)
    task = TaskSettings()
    rows = Preprocessing(task.observation, task.camera).view.row_array
    camera = CalibratedCamera("real", FISHEYE, mounting)
    height, width = FISHEYE.height, FISHEYE.width
    picture = np.zeros((height, width, 3), np.uint8)
    drawing.draw_check(Reprojection(camera, task.camera, rows), picture)

    assert len({of for of, *_ in written}) == 2
    assert {text for _, text, *_ in written} >= {"1 m", "2 m", "3 m", "5 m", "+1", "-1"}
    for i, (of, text, column, row) in enumerate(written):
        for other_of, _, other_column, other_row in written[:i]:
            # No letter is less than 7 pixels wide, and all are at least 9 high.
            near = abs(column - other_column) < 7 * len(text) and abs(row - other_row) < 9
            assert of != other_of or not near, text
