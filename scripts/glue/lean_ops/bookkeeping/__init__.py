"""The records of a run: ledger, drift log, checkpoints, watermark, table ownership and outcome."""
