"""The settings of the test suite: the product's own, with a folder to throw away.

Every pytest worker has a data folder and a database of its own; a process started by a test
finds both through the environment it inherits. SQLite is a file, as in real life, so that
threads and processes can meet on it.
"""

import atexit
import os
import shutil
import tempfile
from pathlib import Path

os.environ.pop("ANTHROPIC_API_KEY", None)  # no test ever asks the real provider
os.environ.pop("ANTHROPIC_BASE_URL", None)
os.environ["SECRET_KEY"] = "a key that only tests are signed with"
os.environ["DEBUG"] = "0"
os.environ["SECURE_SSL_REDIRECT"] = "0"
os.environ["ALLOWED_HOSTS"] = "testserver,localhost,127.0.0.1"


def _data_folder() -> str:
    if "STAGENT_TEST_DIR" not in os.environ:
        os.environ["STAGENT_TEST_DIR"] = tempfile.mkdtemp(prefix="stagent-tests-")
        atexit.register(shutil.rmtree, os.environ["STAGENT_TEST_DIR"], ignore_errors=True)
    return str(Path(os.environ["STAGENT_TEST_DIR"], os.environ.get("PYTEST_XDIST_WORKER", "main")))


os.environ["STAGENT_DATA_DIR"] = _data_folder()

from stagent.settings import *  # noqa: E402, F403
from stagent.settings import DATA_DIR, DATABASES, STORAGES  # noqa: E402

if DATABASES["default"]["ENGINE"] == "stagent.lib.db.sqlite":
    DATABASES["default"]["TEST"] = {"NAME": str(DATA_DIR / "test.sqlite3")}

# A test that rolls back is one long transaction; the processes it starts have the product's own settings.
DATABASES["default"]["OPTIONS"].pop("options", None)

PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
STORAGES["staticfiles"] = {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}
WHITENOISE_USE_FINDERS = True
