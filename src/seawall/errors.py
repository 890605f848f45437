"""The errors a person can meet, as one tree. Every text says where, what, and what to do.

SeawallError
├── InputError        a file, table or argument: place, value, fix
│   ├── RulebookError a rulebook that contradicts itself or cannot be read
│   ├── BookError     an account book that cannot be loaded
│   └── NoImpliedVol  an option price that no volatility gives: BelowIntrinsic, AboveMaximum
├── JournalError      a journal that cannot be opened, is torn, altered or incomplete
├── NumberError       an amount that does not fit its unit or 64 bits
└── Unsupported       a published rule this engine does not have yet, with the reason
InvariantViolation    not a user's error: ours. The engine stops before the next write.
"""


class SeawallError(Exception):
    """Base of every error a caller can fix."""


class InputError(SeawallError):
    """Something given from outside cannot be used."""

    @classmethod
    def at(cls, where: str, what: str, fix: str) -> "InputError":
        """Build the text in the one order used everywhere: where, what, fix."""
        return cls(f"{where}: {what}\n  {fix}")


class RulebookError(InputError):
    """A rulebook is malformed or contradicts itself."""


class BookError(InputError):
    """An account book cannot be loaded."""


class NoImpliedVol(InputError):
    """An option price that no volatility gives."""


class BelowIntrinsic(NoImpliedVol):
    """An option price below what exercise would pay."""


class AboveMaximum(NoImpliedVol):
    """An option price at or above the forward (call) or the strike (put)."""


class JournalError(SeawallError):
    """A journal is missing, torn, altered, or not the one expected."""


class NumberError(SeawallError):
    """An amount does not fit its unit, or passes 64 bits."""


class Unsupported(SeawallError):
    """A rule that exists in the world and not here; the text says why."""


class InvariantViolation(AssertionError):
    """Our own bug: money or size would not add up. Nothing further is written."""
