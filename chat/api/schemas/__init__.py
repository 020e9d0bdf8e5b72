"""Request and response schemas of the API. Imports history and models."""
