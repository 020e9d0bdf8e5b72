"""Tools that ask a person or report a result."""
