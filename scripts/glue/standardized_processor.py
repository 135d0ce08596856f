"""Glue job that takes RAW to Standardized.

See lean_ops.standardized.job for the flow and lean_ops.ports.job_arguments for the arguments.
"""

from lean_ops.entrypoint.layer_main import run_layer
from lean_ops.standardized.job import run

if __name__ == "__main__":
    run_layer("standardized", run)
