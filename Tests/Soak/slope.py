"""The slope of noisy points, robustly: the median of the slopes between all pairs, after Theil and Sen, and between
which it lies with 95 %, by the variance of Kendall's statistic.

A process's memory at one moment resembles that of the moment before. Kendall's variance takes each point for
independent of the others, so it is widened by the correlation of neighbours.
"""
import dataclasses
import math
import statistics

# Of the normal distribution, for 95 %.
WIDTH = 1.96


@dataclasses.dataclass
class Slope:
    """Units of y for each unit of x."""
    value: float
    low: float
    high: float


def fit(points):
    """The slope of (x, y), of which there are at least three with different x."""
    slopes = sorted((later[1] - one[1]) / (later[0] - one[0])
                    for index, one in enumerate(points) for later in points[index + 1:] if later[0] != one[0])
    value = statistics.median(slopes)
    count = len(points)
    spread = WIDTH * math.sqrt(count * (count - 1) * (2 * count + 5) / 18 * widening(points, value))
    low = max(int((len(slopes) - spread) / 2), 0)
    high = min(math.ceil((len(slopes) + spread) / 2), len(slopes) - 1)
    return Slope(value, slopes[low], slopes[high])


def widening(points, slope):
    """By what neighbours that resemble each other multiply the variance, at most 19."""
    rests = [y - slope * x for x, y in points]
    middle = statistics.mean(rests)
    around = [rest - middle for rest in rests]
    whole = sum(one * one for one in around)
    if whole == 0:
        return 1
    likeness = sum(one * other for one, other in zip(around, around[1:])) / whole
    likeness = min(max(likeness, 0), 0.9)
    return (1 + likeness) / (1 - likeness)
