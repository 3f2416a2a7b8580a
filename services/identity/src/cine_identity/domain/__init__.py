"""What an account, a session and a secret are; pure, so that it can be tested without a server."""
