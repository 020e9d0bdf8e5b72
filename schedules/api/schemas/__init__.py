"""Request and response schemas of the API. Imports services and below."""
