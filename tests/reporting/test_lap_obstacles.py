"""The obstacles of a recorded lap, kept where the car came nearest to each."""

import pytest

from f1_rl.reporting.lap_obstacles import OBSTACLES_FILE, Encounters, read_met_obstacles
from f1_rl.reporting.lap_plots import describe_obstacles
from f1_rl.simulation import Obstacle

BOX = Obstacle("box", 10.0, 1.0, 0.5)


def car_at(x_m: float) -> Obstacle:
    return Obstacle("car", x_m, 0.0, 0.0)


def test_a_slower_car_is_kept_where_it_was_met(tmp_path):
    encounters = Encounters()
    for x_m, other_m in ((0.0, 6.0), (5.0, 7.0), (10.0, 8.0)):
        encounters.add((x_m, 0.0), (BOX, car_at(other_m)))
    encounters.write(tmp_path / OBSTACLES_FILE)
    # 6, 2 and 2 metres apart: of the nearest moments the first.
    assert read_met_obstacles(tmp_path) == (BOX, car_at(7.0))


def test_boxes_stay_and_cars_that_were_never_met_are_left_out(tmp_path):
    encounters = Encounters()
    encounters.add((100.0, 0.0), (BOX, car_at(50.0)))
    encounters.write(tmp_path / OBSTACLES_FILE)
    assert read_met_obstacles(tmp_path) == (BOX,)


def test_a_lap_without_obstacles_leaves_none_of_the_lap_before(tmp_path):
    (tmp_path / OBSTACLES_FILE).write_text("of before")
    encounters = Encounters()
    encounters.add((0.0, 0.0), ())
    encounters.write(tmp_path / OBSTACLES_FILE)
    assert list(tmp_path.iterdir()) == []
    assert read_met_obstacles(tmp_path) == ()


@pytest.mark.parametrize(
    "text",
    [
        "",
        "kind,x_m\nbox,1\n",
        "kind,x_m,y_m,yaw_rad\nbox,a,b,c\n",
        f"kind,x_m,y_m,yaw_rad\nbox,{'1' * 200_000},0,0\n",
    ],
    ids=["empty", "columns", "numbers", "endless"],
)
def test_what_cannot_be_read_is_not_drawn(tmp_path, text):
    (tmp_path / OBSTACLES_FILE).write_text(text)
    assert read_met_obstacles(tmp_path) == ()


def test_a_caption_speaks_of_what_there_is():
    assert describe_obstacles(()) == ""
    assert describe_obstacles((BOX,)) == " Squares: boxes."
    both = describe_obstacles((BOX, car_at(3.0)))
    assert both.startswith(" Squares: boxes. Arrowheads: slower cars")
