"""Tools that fetch public web addresses, with connections pinned to the checked address."""
