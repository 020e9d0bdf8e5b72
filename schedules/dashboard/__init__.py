"""What goes on right now, a panel for each question of the operator: read when asked, never stored."""
