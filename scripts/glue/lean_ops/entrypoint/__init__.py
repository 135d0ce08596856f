"""The parts that the Glue scripts share: the ports over AWS, the log, and how a run ends."""
