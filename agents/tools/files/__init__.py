"""Tools that read and write the workspace of a project."""
