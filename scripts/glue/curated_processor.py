"""Glue job: Standardized to Curated. See lean_ops.curated_job for the flow, lean_ops.arguments for the
arguments."""

from lean_ops.curated_job import run
from lean_ops.entry import run_layer

if __name__ == "__main__":
    run_layer("curated", run)
