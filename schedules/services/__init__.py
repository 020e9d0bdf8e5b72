"""Use cases shared by admin, API, chat tools and YAML. Imports everything below the entry points."""
