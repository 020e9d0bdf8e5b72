"""What operators use: doctor, health, metrics, drills, sample data, the first admin."""
