"""What the outbox holds goes out: claimed, sent by web or mail, tried again, given up in the end."""
