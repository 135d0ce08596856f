"""A lake as it was at some moment, for tests that begin with the same cycles and go on in different ways."""

from copy import deepcopy
from pathlib import Path
from shutil import copytree, rmtree
from urllib.parse import unquote, urlparse

from lake import Lake

_STATE = ("registered", "active_schemas", "schema_files", "provisioning_failures", "logged", "cycles")


class SavedLake:
    """Keeps a copy of a lake's tables and ports. To bring it back takes some milliseconds, where the cycles
    that made it took seconds.

    The files come back in their own places, since metadata names them by their full paths.
    """

    def __init__(self, lake: Lake, folder: Path) -> None:
        self._lake, self._folder = lake, folder
        self._state = deepcopy({name: getattr(lake, name) for name in _STATE})
        self._checkpoints = deepcopy(lake.checkpoints.stored)
        for place in self._places():
            copytree(place, folder / place.name)

    def restored(self) -> Lake:
        """The lake as it was saved, and nothing of what was done to it since. There is one at a time."""
        for place in self._places():
            rmtree(place)
        for saved in self._folder.iterdir():
            copytree(saved, self._warehouse() / saved.name)
        for name, value in deepcopy(self._state).items():
            setattr(self._lake, name, value)
        self._lake.checkpoints.stored = deepcopy(self._checkpoints)
        self._lake.checkpoints.refused_topics.clear()
        return self._lake

    def _places(self) -> list[Path]:
        return list(self._warehouse().glob(f"{self._lake.prefix}_*"))

    def _warehouse(self) -> Path:
        setting = self._lake.spark.conf.get("spark.sql.catalog.glue_catalog.warehouse")
        return Path(unquote(urlparse(setting or "").path))
