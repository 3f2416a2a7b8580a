"""Letters: written in the transaction of the act they tell of, sent in the background until the mail server took them."""

from cine_identity.mail.post import Post

__all__ = ["Post"]
