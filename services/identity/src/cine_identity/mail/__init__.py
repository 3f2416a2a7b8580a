"""Letters: written in the transaction of the act they tell of, sent in the background until the mail server took them."""

from __future__ import annotations

from cine_identity.mail.post import Letter, Post
from cine_identity.mail.sender import Sender
from cine_identity.mail.smtp import Smtp
from cine_identity.mail.transports import Folder, Transport
from cine_identity.mail.writing import Writer
from cine_identity.settings import IdentitySettings
from cinemesh import telemetry

__all__ = ["Letter", "Post", "Sender", "Writer", "transport_for"]


def transport_for(settings: IdentitySettings) -> Transport:
    """Returns what letters leave by: the mail server of the settings, or the outbox folder where none is set."""
    if not settings.smtp_host and settings.environment == "production":
        warning = "no mail server is set (CINE_IDENTITY_SMTP_HOST): letters are written to files and reach nobody"
        telemetry.logger("identity").warning(warning)
    return Smtp(settings) if settings.smtp_host else Folder(settings.outbox_dir)
