"""The base of every error that this library raises itself."""


class LeanOpsError(Exception):
    """Catches what the library raises on purpose, and neither the errors of Spark and AWS nor defects."""
