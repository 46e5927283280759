"""Which steps are guided and which are evaluated in full."""


def scale_at(step: int, steps: int, scale: float, interval: tuple[float, float] | None) -> float:
    """Guidance scale of a step; 1.0 (the audio branch alone, at half the cost) outside `interval`.

    Guiding only in the middle of the walk is faster and no worse (Kynkäänniemi et al., arXiv 2404.07724).

    Args:
        step: 0-based, of `steps`.
        interval: part [start, stop) of the walk that is guided, as fractions of its steps; None = all of it.
    """
    if interval is None:
        return scale
    start, stop = interval
    return scale if start <= step / steps < stop else 1.0


def is_full_step(step: int, cache_interval: int) -> bool:
    """Whether DeepCache evaluates the whole network at 0-based `step` rather than reusing its deep features.

    Uniform schedule of Ma et al., arXiv 2312.00858, §3.3; an interval of 1 makes every step full.
    """
    return step % cache_interval == 0
