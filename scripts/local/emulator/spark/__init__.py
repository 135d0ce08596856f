"""The emulator's side of the Spark process: start it, send it requests."""
