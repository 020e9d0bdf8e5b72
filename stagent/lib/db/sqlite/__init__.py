"""Django's SQLite backend with a write queue for the threads of a process."""
