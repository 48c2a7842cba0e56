"""What goes wrong with a lake, in a sentence."""


class LakeError(Exception):
    """A partition is missing or cannot be read or written; the message says which and what to do."""
