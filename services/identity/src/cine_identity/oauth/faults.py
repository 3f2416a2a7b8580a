"""What can go wrong at another provider."""

from __future__ import annotations


class ProviderFault(Exception):
    """A provider did not answer, or answered what cannot be trusted.

    Attributes:
        outcome: why, for the audit log: a few words without anything secret.
        away: whether it did not answer at all, so that trying again may help.
    """

    def __init__(self, outcome: str, *, away: bool = False) -> None:
        """Stores what happened."""
        super().__init__(outcome)
        self.outcome = outcome
        self.away = away
