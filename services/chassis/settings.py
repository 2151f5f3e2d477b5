"""A service's settings, all from the environment; a test fails on one that the README does not name."""

from pydantic import Field, SecretStr, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict


class Settings(BaseSettings):
    """What a service is told at its start. Names in the environment: `ZHAOQI_` and the field's name in capitals."""

    model_config = SettingsConfigDict(env_prefix="ZHAOQI_", frozen=True, extra="ignore")

    database_url: str = Field(description="PostgreSQL ≥ 15, one database a service: postgresql://user:password@host:port/name")
    kafka: str = Field(description="bootstrap address of the broker, host:port")
    kafka_in_memory: bool = Field(False, description="the broker is the in-memory mock: the relay waits before a partition overflows")
    http: str = Field("127.0.0.1:8000", description="address the service listens on, host:port")
    city: str = Field("350200", description="GB/T 2260 code of the one city of this deployment")
    timezone: str = Field("Asia/Shanghai", description="the city's time zone")
    secret: SecretStr = Field(description="key of the HMAC that API keys are stored under")
    ingest_url: str = Field("http://127.0.0.1:8001", description="where ingest answers")
    catalog_url: str = Field("http://127.0.0.1:8002", description="where catalog answers")
    policy_match_url: str = Field("http://127.0.0.1:8003", description="where policy_match answers")
    notify_url: str = Field("http://127.0.0.1:8004", description="where notify answers")
    service_key: SecretStr | None = Field(None, description="the key by which the services of one deployment read from one another")
    traces: str | None = Field(None, description="file for spans, one JSON object a line, when no OTLP endpoint is set")
    webhook_allow: str = Field("", description="comma-separated host:port that webhooks may reach though private (development, 政务外网)")
    source_allow: str = Field("", description="comma-separated host:port that documents may be fetched from though private or without TLS")
    ocr_url: str | None = Field(None, description="an OCR: POST of a document's bytes is answered by JSON, pages: one text a page")
    model_url: str | None = Field(
        None, description="a model that may propose for drafts: base of an OpenAI-compatible API; unset: never asked"
    )
    model_name: str = Field("", description="name of the model, needed with its address")
    model_key: SecretStr | None = Field(None, description="key of the model's API, where it wants one")
    package_key: SecretStr | None = Field(None, description="Ed25519 private key that signs exported policies: 32 bytes in base64")
    package_issuer: str = Field("", description="who signs exported policies, in words")
    package_trusted: str = Field("", description="comma-separated name=public key in base64: whose packages of policies are taken")
    api_key: SecretStr | None = Field(None, description="the caller's API key, for `zhaoqi package export` and `import`")
    crash: str | None = Field(None, description="fault tests only: name of the step at which the process kills itself")

    @model_validator(mode="after")
    def _whole(self) -> "Settings":
        if self.model_url is not None and not self.model_name:
            raise ValueError("ZHAOQI_MODEL_URL is set: name the model in ZHAOQI_MODEL_NAME too")
        return self
