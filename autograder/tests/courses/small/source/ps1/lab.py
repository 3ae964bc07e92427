"""What the notebooks of this problem set share."""

import csv
from pathlib import Path


def readings() -> list[float]:
    """A week of temperatures in °C, one a day."""
    with Path(__file__).with_name("readings.csv").open(newline="") as file:
        return [float(row["celsius"]) for row in csv.DictReader(file)]
