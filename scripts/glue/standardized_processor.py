"""Glue job: RAW to Standardized. See lean_ops.standardized_job for the flow, lean_ops.arguments for the
arguments."""

from lean_ops.entry import run_layer
from lean_ops.standardized_job import run

if __name__ == "__main__":
    run_layer("standardized", run)
