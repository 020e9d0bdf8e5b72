"""What the outbox holds goes out: claimed, sent by web or mail or told to the chat, tried again, given up."""
