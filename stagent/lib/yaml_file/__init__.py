"""YAML files with one list of rows: reader, writer, and the command that plans and applies."""
