"""Given a profile and a prompt, what did the model do? Imports stagent.lib only; knows neither schedules nor chat."""
