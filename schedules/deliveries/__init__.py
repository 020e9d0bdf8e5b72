"""Sends the outbox: by webhook, by email or to the chat, with retries."""
