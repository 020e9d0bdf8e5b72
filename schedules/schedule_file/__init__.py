"""Schedules as a YAML file under version control: parse, plan, apply, export."""
