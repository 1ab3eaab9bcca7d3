"""Collects the static files into /srv/static while the image is built, so that the proxy can serve them."""
import json
import os
import sys

TARGET = "/srv/static"

with open("/hostctl/build.json", encoding="utf-8") as file:
    build = json.load(file)

os.makedirs(TARGET, exist_ok=True)
if not build["static"]:
    sys.exit()

os.environ.update(build["env"])
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "{{settings}}")
# Nothing is signed while files are copied; settings that insist on a key get one.
os.environ.setdefault("SECRET_KEY", "only-to-collect-static-files")
sys.path.insert(0, "/app")

import django
from django.apps import apps
from django.conf import settings
from django.core.management import call_command

django.setup()
if apps.is_installed("django.contrib.staticfiles"):
    settings.STATIC_ROOT = TARGET
    call_command("collectstatic", interactive=False, verbosity=0)
