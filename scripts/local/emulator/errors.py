"""The base of every error that the emulator raises on its own account."""


class EmulatorError(Exception):
    """Something that the emulator refuses or cannot do; the message is written for whoever asked for it."""
