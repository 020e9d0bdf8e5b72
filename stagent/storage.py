"""Static files with hashed names, including imports between JavaScript modules."""

from whitenoise.storage import CompressedManifestStaticFilesStorage


class Storage(CompressedManifestStaticFilesStorage):
    """Rewrites module imports to hashed names."""

    support_js_module_import_aggregation = True
