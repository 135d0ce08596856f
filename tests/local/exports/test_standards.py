"""What `lean-ops schema export` writes, against the schemas that the standards publish.

The files are those in tests/conformance/exports, which packages/cli/tests/schema-export.test.ts holds to what
the command writes. The packages are installed once, into a folder of their own, as the pipeline needs none of
them.
"""

import hashlib
import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[3]
EXPORTS = ROOT / "tests/conformance/exports"
REQUIREMENTS = Path(__file__).with_name("requirements.txt")
PACKAGES = ROOT / ".local/export-standards"

Check = Callable[[Any], list[str]]

CHECK = """
import json, sys
sys.path.insert(0, sys.argv[1])
from jsonschema.validators import validator_for
schema = json.load(open(sys.argv[2], encoding="utf-8"))
kind = validator_for(schema)
kind.check_schema(schema)
errors = kind(schema).iter_errors(json.load(sys.stdin))
print(json.dumps([f"{error.json_path}: {error.message}" for error in errors]))
"""


@pytest.fixture(scope="module")
def standard() -> Callable[[str], Check]:
    """Gives a function that lists what a published schema says against a document."""
    stamp = PACKAGES / "requirements.sha256"
    wanted = hashlib.sha256(REQUIREMENTS.read_bytes()).hexdigest()
    if not stamp.exists() or stamp.read_text() != wanted:
        shutil.rmtree(PACKAGES, ignore_errors=True)
        pip = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-input"]
        subprocess.run([*pip, "--no-deps", "--target", str(PACKAGES), "-r", str(REQUIREMENTS)], check=True)
        stamp.write_text(wanted)

    def of(schema: str) -> Check:
        def errors(document: Any) -> list[str]:
            # A process of its own: these packages are not to be found by anything else.
            command = [sys.executable, "-c", CHECK, str(PACKAGES), str(PACKAGES / schema)]
            done = subprocess.run(
                command, input=json.dumps(document), capture_output=True, text=True, check=True
            )
            found: list[str] = json.loads(done.stdout)
            return found

        return errors

    return of


def test_contract_is_one_of_the_open_data_contract_standard(standard: Callable[[str], Check]) -> None:
    errors = standard("open_data_contract_standard/schema.json")
    contract = yaml.safe_load((EXPORTS / "parcel.odcs.yml").read_text(encoding="utf-8"))
    assert errors(contract) == []
    contract["schema"][0]["properties"][0]["logicalType"] = "varchar"
    assert errors(contract) != []


def test_sources_are_what_dbt_takes(standard: Callable[[str], Check]) -> None:
    errors = standard("dbt/jsonschemas/resources/latest.json")
    sources = yaml.safe_load((EXPORTS / "parcel.dbt.yml").read_text(encoding="utf-8"))
    assert errors(sources) == []
    sources["sources"][0]["tables"][0]["columns"][0]["typ"] = "string"
    assert errors(sources) != []
