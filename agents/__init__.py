"""Given a profile and a prompt, what did the model do? Imports stagent.lib, no other app."""
