"""Glue job that takes Standardized to Curated.

See lean_ops.curated.job for the flow and lean_ops.ports.job_arguments for the arguments.
"""

from lean_ops.curated.job import run
from lean_ops.entrypoint.layer_main import run_layer

if __name__ == "__main__":
    run_layer("curated", run)
