"""Circuits from and to CSV files."""

from pathlib import Path

import numpy as np
import pytest

from f1_rl.circuits import CircuitError, load_circuit, read_circuit_csv, write_circuit_csv

GAZEBO_CENTRE_LINE = Path(__file__).parents[1] / "data" / "circuits" / "gazebo_centreline.csv"
HEADER = "# x_m,y_m,w_tr_right_m,w_tr_left_m"


def circle_rows(count: int = 40, separator: str = ",") -> list[str]:
    angle = np.linspace(0.0, 2.0 * np.pi, count, endpoint=False)
    return [
        separator.join(f"{v:.4f}" for v in (10.0 * np.cos(a), 10.0 * np.sin(a), 1.0, 2.0))
        for a in angle
    ]


def write(path: Path, *lines: str) -> Path:
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def test_reads_the_columns_of_the_racetrack_database(tmp_path):
    circuit = read_circuit_csv(write(tmp_path / "ring.csv", HEADER, *circle_rows()))
    assert circuit.name == "ring"
    assert circuit.length_m == pytest.approx(20.0 * np.pi, abs=0.01)
    np.testing.assert_allclose(circuit.width_right_m, 1.0)
    np.testing.assert_allclose(circuit.width_left_m, 2.0)
    assert circuit.line_width_m == 0.10


@pytest.mark.parametrize(
    ("header", "separator", "newline"),
    [
        ([], ",", "\n"),
        ([HEADER], ", ", "\n"),
        ([HEADER, "# another remark", ""], ",", "\n"),
        (["x_m,y_m,w_tr_right_m,w_tr_left_m"], ",\t", "\r\n"),
        (["\ufeff" + HEADER], ",", "\r\n"),
    ],
)
def test_reads_the_variants_of_the_format(tmp_path, header, separator, newline):
    (tmp_path / "variant").mkdir()
    path = tmp_path / "variant" / "ring.csv"
    path.write_bytes(newline.join([*header, *circle_rows(separator=separator)]).encode())
    assert read_circuit_csv(path) == read_circuit_csv(write(tmp_path / "ring.csv", *circle_rows()))


def test_a_closing_row_is_accepted(tmp_path):
    rows = circle_rows()
    plain = read_circuit_csv(write(tmp_path / "ring.csv", *rows))
    assert read_circuit_csv(write(tmp_path / "ring.csv", *rows, rows[0])) == plain


def test_scale_applies_to_coordinates_and_widths(tmp_path):
    path = write(tmp_path / "ring.csv", *circle_rows())
    circuit = read_circuit_csv(path, scale=0.5, line_width_m=0.0)
    assert circuit.length_m == pytest.approx(10.0 * np.pi, abs=0.01)
    np.testing.assert_allclose(circuit.width_left_m, 1.0)
    assert not circuit.has_line
    for scale in (0.0, -1.0, float("nan")):
        with pytest.raises(CircuitError, match="scale"):
            read_circuit_csv(path, scale=scale)


@pytest.mark.parametrize("name", ["simple", "hairpins", "meadow", "grand_tour", "random-3"])
def test_written_circuit_reads_back_the_same(tmp_path, name):
    circuit = load_circuit(name)
    path = tmp_path / f"{name}.csv"
    write_circuit_csv(circuit, path)
    copy = read_circuit_csv(path, line_width_m=circuit.line_width_m)
    assert path.read_text(encoding="utf-8").startswith(HEADER + "\n")
    assert copy.name == circuit.name
    assert copy.length_m == pytest.approx(circuit.length_m, abs=1e-3)
    share = np.linspace(0.0, 1.0, 5000, endpoint=False)
    a, b = circuit.pose_at(share * circuit.length_m), copy.pose_at(share * copy.length_m)
    assert np.hypot(a.x_m - b.x_m, a.y_m - b.y_m).max() < 1e-3
    for ours, theirs in zip(
        circuit.half_widths_at(share * circuit.length_m),
        copy.half_widths_at(share * copy.length_m),
        strict=True,
    ):
        np.testing.assert_allclose(ours, theirs, atol=1e-3)
    assert np.abs(copy.curvature_at(5.0) - circuit.curvature_at(5.0)) < 5e-3


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("1.0,2.0,1.5", "line 6: give 4 values .* not 3"),
        ("1.0,2.0,1.5,1.5,9", "line 6: give 4 values .* not 5"),
        ("1.0;2.0;1.5;1.5", "line 6: give 4 values .* not 1"),
        ("1.0,two,1.5,1.5", "line 6: y_m must be a number, found 'two'"),
        ("1.0,,1.5,1.5", "line 6: y_m must be a number, found ''"),
        ("nan,2.0,1.5,1.5", "line 6: x_m must be a finite number, found nan"),
        ("1.0,2.0,inf,1.5", "line 6: w_tr_right_m must be a finite number"),
        ("1.0,2.0,0,1.5", "line 6: w_tr_right_m must be greater than zero, found 0"),
        ("1.0,2.0,1.5,-1", "line 6: w_tr_left_m must be greater than zero, found -1"),
    ],
)
def test_a_bad_row_is_refused_with_its_line_number(tmp_path, line, reason):
    rows = circle_rows()
    path = write(tmp_path / "bad.csv", HEADER, *rows[:4], line, *rows[4:])
    with pytest.raises(CircuitError, match=rf"bad\.csv, {reason}"):
        read_circuit_csv(path)


def test_files_that_are_no_circuit_are_refused(tmp_path):
    with pytest.raises(CircuitError, match=r"Cannot read .*none\.csv"):
        read_circuit_csv(tmp_path / "none.csv")
    with pytest.raises(CircuitError, match="is a directory"):
        read_circuit_csv(tmp_path)
    binary = tmp_path / "binary.csv"
    for content in (b"\x89PNG\r\n\x1a\n\xff\xfe", b"1,2\0,3,4"):
        binary.write_bytes(content)
        with pytest.raises(CircuitError, match="not a text file"):
            read_circuit_csv(binary)
    with pytest.raises(CircuitError, match="holds no points"):
        read_circuit_csv(write(tmp_path / "empty.csv", HEADER))
    with pytest.raises(CircuitError, match=r"line 1: give 4 values"):
        read_circuit_csv(write(tmp_path / "prose.csv", "Once upon a time", "there was a car"))
    with pytest.raises(CircuitError, match=r"two\.csv: Circuit 'two' has 2 different points"):
        read_circuit_csv(write(tmp_path / "two.csv", "0,0,1,1", "9,9,1,1"))
    with pytest.raises(CircuitError, match=r"open\.csv: Circuit 'open' is not closed"):
        read_circuit_csv(write(tmp_path / "open.csv", *circle_rows()[:25]))


def test_writing_where_nothing_can_be_written_is_refused(tmp_path):
    with pytest.raises(CircuitError, match="Cannot write"):
        write_circuit_csv(load_circuit("oval"), tmp_path / "missing" / "oval.csv")


def test_load_circuit_takes_a_file(tmp_path):
    by_path = load_circuit(GAZEBO_CENTRE_LINE)
    assert load_circuit(str(GAZEBO_CENTRE_LINE)) == by_path == read_circuit_csv(GAZEBO_CENTRE_LINE)
    half = load_circuit(GAZEBO_CENTRE_LINE, scale=0.5)
    assert half.length_m == pytest.approx(0.5 * by_path.length_m, rel=1e-3)
