"""A lake of two topics whose operations and maintenance die in processes of their own."""

from collections import Counter
from collections.abc import Callable, Sequence
from datetime import timedelta
from pathlib import Path
from tempfile import mkdtemp

from killed_process import KeptCheckpoints, KeptLake
from killed_upkeep import UpkeepState
from killing import last_words, live
from lake import EPOCH, Event
from pyspark.sql import SparkSession

HELD, OTHER = TOPICS = ("telemetry.climate", "water.meter")
LAYERS = ("standardized", "curated")
LATER = EPOCH + timedelta(days=60)
_KILLS_A_LAKE = 5


class World:
    """A lake in the test's own session. Other processes work on its tables, and the file of its state is all
    else that they have in common."""

    def __init__(self, session: SparkSession, prefix: str, folder: Path) -> None:
        self.session, self.folder, self.prefix = session, folder, prefix
        self.take_up()
        self.state.prefix, self.state.now = prefix, LATER.isoformat()
        self.state.warehouse = session.conf.get("spark.sql.catalog.glue_catalog.warehouse")
        for topic in TOPICS:
            self.lake.activate(topic, 1, {"v": {"type": "number", "x-cde": True}})

    def take_up(self) -> None:
        """Reads the state as other processes have left it."""
        self.state = state = UpkeepState.at(self.folder / "state.json")
        self.lake = KeptLake(
            self.session, self.prefix, KeptCheckpoints(state), state.registered, state.active
        )

    def cycle(self) -> None:
        """Each topic gets a new record, a version of one that is there, and what is no row of a layer."""
        n = self.state.cycle
        for topic in TOPICS:
            self.lake.deliver(
                Event({"v": n, "who": f"new{n}-of-{topic}"}, topic, f"new{n}", produced=n),
                Event({"v": n}, topic, f"again{n}", key="again", produced=n),
                Event({"v": "no number"}, topic, f"wrong{n}", produced=n),
                Event("{", topic, f"torn{n}", produced=n),
            )
        self.state.cycle += 1
        self.state.names.append(f"20261123T{self.state.cycle:06d}Z-0a1b2c3d")
        for run in (self.lake.standardize, self.lake.curate):
            assert run(cycle_id=self.state.names[-1]).trouble() is None

    def dies_within(self, seconds: float) -> bool:
        """Goes on in a process that is killed after so many seconds; false where it was done before that."""
        said = live("killed_upkeep.py", self.folder, seconds)
        assert said is None or said.endswith("done\n"), last_words(self.folder)
        self.take_up()
        return said is None


def deaths_over_lakes(
    name: str, kills: int, folder: Path, play_and_kill: Callable[[str, Path, int], Sequence[str]]
) -> None:
    """Plays lakes until so many processes are dead, and prints in what they died.

    name: what the lakes' prefixes begin with. play_and_kill: plays one, by its prefix and folder, in which at
    most so many die, and gives in what they did.
    """
    deaths: Counter[str] = Counter()
    lakes = 0
    while deaths.total() < kills:
        lakes += 1
        most = min(_KILLS_A_LAKE, kills - deaths.total())
        deaths.update(play_and_kill(f"{name}{lakes}", Path(mkdtemp(dir=folder)), most))
    print(f"{deaths.total()} processes killed over {lakes} lakes, in {dict(deaths)}")
