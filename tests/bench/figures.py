"""Medians, spreads and the table: everything that happens to a figure after it was measured."""

from statistics import median


def quartiles(values):
    """The middle half of the values, by linear interpolation."""
    ordered = sorted(values)

    def at(q):
        place = q * (len(ordered) - 1)
        low = int(place)
        high = min(low + 1, len(ordered) - 1)
        return ordered[low] + (ordered[high] - ordered[low]) * (place - low)

    return at(0.25), at(0.75)


def ratios(of, to):
    """Each slice against its neighbour in time, so that what slows the machine for a while cancels out."""
    return [a / b for a, b in zip(of, to)]


def overheads(of, floor, native):
    """(of - native) / (floor - native), each against the medians of the two: one slice's difference of two close figures
    would be a denominator of mostly noise."""
    base = median(native)
    return [(a - base) / (median(floor) - base) for a in of]


def spread(values):
    low, high = quartiles(values)
    return f"{low:.2f}-{high:.2f}" if high < 100 else f"{low:.0f}-{high:.0f}"


def figure(value, unit=""):
    text = f"{value:.0f}" if value >= 1000 else f"{value:.2f}" if value < 100 else f"{value:.1f}"
    return f"{text} {unit}".strip()


class Row:
    """One line of the table. `reached` is True, False, or None where no goal is set."""

    def __init__(self, what, native="", minimal="", chbind="", ratio="", spread="", goal="", reached=None):
        verdict = "" if reached is None else "reached" if reached else "missed"
        self.reached = reached
        self.cells = [what, native, minimal, chbind, ratio, spread, goal, verdict]


def derived(what, values, goal="", reached=None):
    """A line that only has a ratio, made from lines above it."""
    if goal and reached is None:
        raise ValueError(f"{what}: a goal without a test")
    return Row(what, ratio=figure(median(values)), spread=spread(values), goal=goal,
               reached=reached(median(values)) if reached else None)


HEAD = ["what", "native", "minimal", "chbind", "ratio", "quartiles", "goal", ""]
WIDTHS = [46, 10, 10, 10, 7, 13, 18, 7]


def line(cells):
    padded = [c.ljust(w) if i in (0, 6, 7) else c.rjust(w) for i, (c, w) in enumerate(zip(cells, WIDTHS))]
    return " ".join(padded).rstrip()
