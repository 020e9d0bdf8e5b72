"""Static files under names that tell their content, the modules among them."""

from whitenoise.storage import CompressedManifestStaticFilesStorage


class Storage(CompressedManifestStaticFilesStorage):
    """Puts those names into the modules too: one that imports another finds the one of its own version."""

    support_js_module_import_aggregation = True
