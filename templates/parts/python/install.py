"""Installs what requirements.txt or pyproject.toml in this directory ask for, and nothing of the source itself."""
import os
import subprocess
import sys
import tomllib

here = os.path.dirname(os.path.abspath(__file__))
os.chdir(here)

arguments = []
if os.path.exists("requirements.txt"):
    arguments = ["--requirement", "requirements.txt"]
elif os.path.exists("pyproject.toml"):
    with open("pyproject.toml", "rb") as file:
        arguments = tomllib.load(file).get("project", {}).get("dependencies", [])

if arguments:
    pip = [sys.executable, "-m", "pip", "install", "--disable-pip-version-check", *arguments]
    sys.exit(subprocess.call(pip))
