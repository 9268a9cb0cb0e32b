"""The one reader of the environment. Every setting has a default that works on one machine."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from platformdirs import user_data_path
from pydantic import Field, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from jobs.errors import InvalidInput
from jobs.input_faults import explain


class Settings(BaseSettings):
    """All settings; each is read from ``HITWORKS_<NAME>``. URLs with passwords are in no repr."""

    model_config = SettingsConfigDict(env_prefix="HITWORKS_", frozen=True, extra="ignore")

    data_dir: Path = Field(
        default_factory=lambda: user_data_path("hitworks"),
        description="Folder of the database, images, exports and the embedded queue server.",
    )
    database_url: str = Field(
        "", repr=False, description="SQLAlchemy URL; empty: SQLite in the data folder."
    )
    redis_url: str = Field(
        "",
        repr=False,
        description="Redis or Valkey URL; empty: the embedded server in the data folder.",
    )
    blob_url: str = Field(
        "", description="Where image bytes lie: empty for the data folder, or s3://bucket/prefix."
    )
    s3_endpoint_url: str = Field(
        "", repr=False, description="An S3-compatible endpoint; empty for Amazon's."
    )
    import_buckets: str = Field(
        "",
        description="S3 buckets that a manifest may read, separated by commas; empty: any.",
    )
    import_folders: str = Field(
        "",
        description="Folders on the server that managers may import from, separated by commas; "
        "empty: none.",
    )
    models_dir: str = Field(
        "",
        description="Folder of the model files that a job's tagger may load, and no others; empty: "
        "models in the data folder.",
    )
    web_host: str = Field("127.0.0.1", description="Address the web app listens on.")
    web_port: int = Field(5080, description="Port of the web app.")
    public_url: str = Field(
        "", description="Address of the web app as browsers see it; empty: from host and port."
    )
    marketplace_host: str = Field(
        "127.0.0.1", description="Address the local marketplace listens on, with both its ports."
    )
    marketplace_port: int = Field(5081, description="Port of the local marketplace.")
    content_port: int = Field(
        5082, description="Port of the second origin on which HIT pages run in their frame."
    )
    marketplace_public_url: str = Field(
        "", description="Address of the worker pages as browsers see it; empty: host and port."
    )
    content_public_url: str = Field(
        "", description="Address of the HIT pages as browsers see it; empty: host and port."
    )
    marketplace_database_url: str = Field(
        "", repr=False, description="SQLAlchemy URL of the marketplace's own tables; empty: SQLite."
    )
    marketplace_strict: bool = Field(
        False,
        description="The local marketplace verifies every signature and refuses unknown access "
        "keys.",
    )
    marketplace_options: str = Field(
        "",
        description="Options of the local marketplace, name=value, separated by spaces: see "
        "docs/marketplace.md.",
    )
    mturk_local_url: str = Field(
        "", description="Endpoint of the local environment; empty: the local marketplace's port."
    )
    poll_seconds: float = Field(10.0, description="Seconds between two looks at an open batch.")
    notification_queue_url: str = Field(
        "",
        description="SQS queue that HIT types send their news to, so that they are collected "
        "sooner; empty: by polling alone.",
    )
    lease_seconds: float = Field(120.0, description="How long a background call owns its work.")
    sweep_seconds: float = Field(15.0, description="Seconds between two sweeps of the work table.")
    n_background_workers: int = Field(2, description="RQ worker processes that `up` starts.")
    hook_private_addresses: bool = Field(
        False,
        description="Webhooks may go to private and loopback addresses; else to the public "
        "internet alone.",
    )
    log_format: Literal["text", "json"] = Field(
        "text", description="Log lines of the web app and background workers: text or JSON."
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        "info", description="Least severe log line that is written."
    )

    def database(self) -> str:
        """The database URL in force."""
        return self.database_url or f"sqlite:///{self.data_dir / 'hitworks.sqlite'}"

    def marketplace_database(self) -> str:
        """The marketplace's database URL in force."""
        return self.marketplace_database_url or f"sqlite:///{self.data_dir / 'marketplace.sqlite'}"

    def models(self) -> Path:
        """The folder of model files in force."""
        return Path(self.models_dir) if self.models_dir else self.data_dir / "models"

    def web_url(self) -> str:
        """The web app's address as browsers see it, without a trailing slash."""
        return (self.public_url or f"http://{self.web_host}:{self.web_port}").rstrip("/")

    def content_url(self) -> str:
        """The second origin, on which HIT pages run, as browsers see it."""
        host = "localhost" if self.marketplace_host == "127.0.0.1" else self.marketplace_host
        own = f"http://{host}:{self.content_port}"
        return (self.content_public_url or own).rstrip("/")

    def local_mturk(self) -> str:
        """The endpoint that boto3 calls in the ``local`` environment."""
        return self.mturk_local_url or f"http://127.0.0.1:{self.marketplace_port}"


def read_settings() -> Settings:
    """Settings from the environment, read now; InvalidInput names the variable that is wrong."""
    try:
        return Settings()
    except ValidationError as error:
        faults = (fault.partition(":") for fault in explain(error, Settings))
        named = (f"HITWORKS_{name.upper()}:{said}" for name, _, said in faults)
        raise InvalidInput("; ".join(named)) from error
