"""Tools for operators: doctor, health, metrics, drills, sample data, the first admin."""
