"""Writes the OpenAPI description of each service from its app to contracts/openapi/<service>.json.

    python -m deploy.openapi

The files are committed, so that a change of an API is seen in review; a test compares them with the apps.
"""

import importlib
import json
from pathlib import Path

from fastapi import FastAPI

from deploy.embedded import SERVICES

FOLDER = Path(__file__).parents[1] / "contracts" / "openapi"


def description(service: str) -> str:
    """The OpenAPI document of a service as JSON text, without starting the service."""
    app: FastAPI = importlib.import_module(f"services.{service}.main").app
    return json.dumps(app.openapi(), ensure_ascii=False, indent=1) + "\n"


def main() -> None:
    """Write one file for each service."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    for service in SERVICES:
        (FOLDER / f"{service}.json").write_text(description(service), "utf-8")


if __name__ == "__main__":
    main()
