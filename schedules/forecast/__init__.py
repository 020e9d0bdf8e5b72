"""What will run when, and what it costs, by simulation. Imports transitions and below; writes nothing."""
