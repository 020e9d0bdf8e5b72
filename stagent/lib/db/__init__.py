"""Database helpers: prepared statements, bulk loading, access from async code, settings."""
