"""What all routers of the API share: kinds of values, refusals, and stretches of lists."""
