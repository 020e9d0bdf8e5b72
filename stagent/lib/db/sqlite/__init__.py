"""Django's SQLite backend, with a queue of the threads of a process that want to write."""
