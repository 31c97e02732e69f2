"""What goes wrong with calibrations."""


class CalibrationError(ValueError):
    """A calibration that is missing, damaged, poor, or of another camera or car."""
