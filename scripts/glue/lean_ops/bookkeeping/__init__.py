"""What is put on record about a run: ledger, drift log, checkpoints, watermark, table ownership, outcome."""
