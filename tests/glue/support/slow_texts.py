"""Finds the texts on which a parser is slowest, and measures how its time grows with them.

A text that is slow beyond its length has a beginning that brings the parser to some state, a part that is
repeated, and an end that makes it look again at what it has read. So every beginning of a valid text is
joined with every short repeat and every end over the parser's own characters, each is timed while it is
short, and the slowest are made long. All times are CPU time, and the least of several, so that a busy machine
says nothing.
"""

import gc
import itertools
import math
import random
import signal
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass

SHORT = 400
"""The length at which all candidates are timed: the square of it shows beside it, and costs little."""
MEGABYTE = 1 << 20
"""About what ingest accepts as one message."""
FACTOR = 4
_MOST_GROWTH = 12.0
"""Four times the text may take twelve times the time. Linear growth is 4 and the square 16; memory that no
longer fits into the caches makes up to 10 of 4."""
_TINY = 0.02
"""Seconds of CPU time that count as none: what is quicker is not compared. A text that passes from C's
parser to Python's, because it is nested deep, jumps below that."""
_LONG = 0.5
"""Seconds of CPU time for a text that no leap explains."""
_SEARCH_SECONDS = 120.0
"""Seconds after which the short texts count as never ending. A search takes less than a second on a machine
that does nothing else."""

Parser = Callable[[str], object]


@dataclass(frozen=True)
class Shape:
    """Texts of any length: a beginning, a repeated part, an end. `closing` is repeated as often behind the
    part, as brackets need it; # in the part is a number of its own in each round."""

    beginning: str
    part: str
    closing: str
    end: str

    def rounds(self, length: int) -> int:
        """How often the part is repeated in a text of about so many characters."""
        return max(1, length // (len(self.part) + len(self.closing)))

    def text(self, length: int) -> str:
        rounds = self.rounds(length)
        if "#" in self.part:
            repeated = "".join(self.part.replace("#", str(n)) for n in range(rounds))
        else:
            repeated = self.part * rounds
        return f"{self.beginning}{repeated}{self.closing * rounds}{self.end}"


class TooSlowError(AssertionError):
    """A parser's time is not linear in its text."""


def shapes(
    samples: Sequence[str], tokens: Sequence[str], *, repeat: int, closings: Sequence[str] = ("",)
) -> "Shapes":
    """Every beginning of the samples with every repeat of up to `repeat` tokens, every closing, and every end
    of one token or none."""
    beginnings = sorted({sample[:n] for sample in samples for n in range(len(sample) + 1)})
    parts = [
        "".join(chosen)
        for count in range(1, repeat + 1)
        for chosen in itertools.product(tokens, repeat=count)
        if count == 1 or len(set(chosen)) > 1
    ]
    return Shapes((beginnings, parts, closings, ("", *tokens)))


@dataclass(frozen=True)
class Shapes:
    """All shapes that can be put together of these pieces, in the order of Shape's fields."""

    pieces: tuple[Sequence[str], ...]

    def __iter__(self) -> Iterator[Shape]:
        return (Shape(*chosen) for chosen in itertools.product(*self.pieces))

    def __len__(self) -> int:
        return math.prod(len(one) for one in self.pieces)

    def drawn(self, count: int, seed: int) -> Iterator[Shape]:
        """So many of them by chance, or all where there are not more."""
        if len(self) <= count:
            return iter(self)
        chance = random.Random(seed)
        return (Shape(*(chance.choice(one) for one in self.pieces)) for _ in range(count))


def slowest(parser: Parser, candidates: Iterable[Shape], count: int) -> list[Shape]:
    """The candidates that take most time while they are short, and those whose time grows most."""
    timed: list[tuple[float, int, Shape]] = []
    with _ended_after(_SEARCH_SECONDS):
        for n, shape in enumerate(candidates):
            timed.append((_once(parser, shape.text(SHORT)), n, shape))
        # One measurement may have met a pause: the least of several decides among those that seem slow.
        seeming = sorted(timed, reverse=True)[: 20 * count]
        short = [(_least(parser, shape.text(SHORT), 5), n, shape) for _, n, shape in seeming]
        grown = [
            (_least(parser, shape.text(FACTOR * SHORT), 5) / seconds, n, shape) for seconds, n, shape in short
        ]
    chosen = [*sorted(short, reverse=True)[:count], *sorted(grown, reverse=True)[:count]]
    return list(dict.fromkeys(shape for _, _, shape in chosen))


def check_growth(parser: Parser, shape: Shape, most: int = MEGABYTE) -> None:
    """Raises TooSlowError when the time grows faster than the text, on the way to `most` characters, and does
    so a second time: a leap that does not come back is the machine's."""
    lengths = [most // FACTOR**n for n in range(4, -1, -1)]
    with _heap_frozen():
        try:
            check_steps(shape, ((length, _least(parser, shape.text(length), 3)) for length in lengths))
        except TooSlowError:
            check_steps(shape, ((length, _least(parser, shape.text(length), 3)) for length in lengths))


def check_steps(shape: Shape, steps: Iterable[tuple[int, float]]) -> None:
    """Does what check_growth does for lengths, each FACTOR times the one before, with the seconds that the
    text takes at that length."""
    before, leapt = _TINY, False
    for length, seconds in steps:
        leaps = seconds > _MOST_GROWTH * before
        # What no longer fits into the processor's cache grows by a leap, once. A square grows at every step.
        if leaps and (leapt or seconds > _LONG):
            raise TooSlowError(
                f"{FACTOR} times the text takes {seconds / before:.0f} times the time, {seconds:.2f} s at "
                f"{length} characters: {shape}"
            )
        before, leapt = max(seconds, _TINY), leaps


def check_linear(
    parser: Parser, candidates: Iterable[Shape], count: int, most: int = MEGABYTE
) -> list[Shape]:
    """Raises TooSlowError when the time for the worst of the candidates grows faster than their length.
    Returns those."""
    worst = slowest(parser, candidates, count)
    for shape in worst:
        check_growth(parser, shape, most)
    return worst


def finds_slow(search: Callable[[], object], tries: int = 3) -> bool:
    """Whether a search for slow texts finds in any of some tries that a time grows faster than its text.

    What else runs on the machine may hide it once."""
    for _ in range(tries):
        try:
            search()
        except TooSlowError as error:
            if "times the text takes" not in str(error):
                raise
            return True
    return False


def _once(parser: Parser, text: str) -> float:
    start = time.process_time_ns()
    with suppress(ValueError):  # how parsers refuse a text
        parser(text)
    return (time.process_time_ns() - start) / 1e9


def _least(parser: Parser, text: str, times: int) -> float:
    """The least time of several, or of one that is long enough to say something by itself."""
    least = _once(parser, text)
    for _ in range(times - 1):
        if least > 0.05:
            break
        least = min(least, _once(parser, text))
    return least


@contextmanager
def _heap_frozen() -> Iterator[None]:
    """Keeps the garbage collector from going through what was there before: a parser that makes many lists
    sets it off, and with the heap of a whole test run it takes longer than the parser."""
    gc.freeze()
    try:
        yield
    finally:
        gc.unfreeze()


@contextmanager
def _ended_after(seconds: float) -> Iterator[None]:
    """Ends a parser whose time explodes already on a short text. Python's regular expressions look for
    signals; the traceback shows the text."""

    def stop(*_: object) -> None:
        raise TooSlowError(f"short texts take more than {seconds} seconds: the traceback shows the one")

    before = signal.signal(signal.SIGALRM, stop)
    # A timer of CPU time would make the clock of CPU time tick in hundredths of a second.
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
