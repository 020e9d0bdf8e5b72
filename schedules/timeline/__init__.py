"""A forecast as a picture: the hours to come across, schedules downwards. Pure: a forecast in, SVG out."""
