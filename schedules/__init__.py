"""When something runs, who may start, and what became of it. Imports agents and stagent.lib; never chat."""
