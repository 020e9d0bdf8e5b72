"""Tools that fetch public addresses, and the guard that pins them."""
