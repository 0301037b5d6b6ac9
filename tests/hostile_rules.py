"""Where the outcome of a broken pickle may differ from the stdlib's, each with its reason."""

# (class of the stdlib's error, class of ours, reason); "*" is any, None a load that succeeds.
EXCUSED = (
    (
        "MemoryError",
        "*",
        "the stdlib sizes memo and buffers by what the input claims, cypickle by what is there",
    ),
    (
        "OverflowError",
        "UnpicklingError",
        "up to 3.12 the stdlib makes a bytes object of the claimed size before it looks at what is there",
    ),
)


def excused(theirs, ours):
    """Whether (class, message) of both sides may differ."""
    return any(one in ("*", theirs[0]) and other in ("*", ours[0]) for one, other, _ in EXCUSED)
