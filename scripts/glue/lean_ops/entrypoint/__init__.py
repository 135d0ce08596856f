"""What the Glue scripts share: arguments, ports over AWS, the log, and how a run ends."""
