"""Where else events go: OpenSearch, a partner's endpoint, a bucket."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated

from pydantic import AfterValidator, Field, model_validator

from baseops.areas.logs.spec.texts import check_pattern
from baseops.fields import Days, Duration, KeyArn, Strict, matching

_SUBNET = matching(r"subnet-[0-9a-f]{8,17}", "a subnet such as subnet-0a1b2c3d4e5f60718")
_SECURITY_GROUP = matching(r"sg-[0-9a-f]{8,17}", "a security group such as sg-0a1b2c3d4e5f60718")


class FunctionNetwork(Strict):
    """The network of a function whose receiver is in a VPC."""

    subnets: Annotated[tuple[Annotated[str, _SUBNET], ...], Field(min_length=1, max_length=16)]
    """Its subnets."""
    security_groups: Annotated[tuple[Annotated[str, _SECURITY_GROUP], ...], Field(min_length=1, max_length=5)]
    """Its security groups."""


class OpenSearch(Strict):
    """Shipping to an OpenSearch domain by a function with dead letters."""

    domain: Annotated[str, matching(r"[a-z][a-z0-9-]{2,27}", "the name of an OpenSearch domain, such as logs-domain")]
    """The domain's name, in this account and region."""
    endpoint: Annotated[
        str,
        matching(
            r"[a-z0-9-]+\.[a-z0-9-]+\.es\.amazonaws\.com(?:\.cn)?|[a-z0-9-]+\.aos\.[a-z0-9-]+\.on\.aws",
            "the domain's host name without https://, such as search-logs-domain-abc123.eu-west-1.es.amazonaws.com",
        ),
    ]
    """The domain's endpoint without https://."""
    index: Annotated[
        str, matching(r"[a-z][a-z0-9._-]{0,200}", "an index name of lower-case letters, digits and . _ -")
    ] = "logs"
    """Indices are INDEX-YYYY.MM.DD, by the day of the event in UTC."""
    parse_json: bool = False
    """Whether a line that is a JSON object becomes `fields` of the document."""
    network: FunctionNetwork | None = None
    """Where the function runs when the domain is in a VPC."""


class OpenSearchIngestion(Strict):
    """Shipping to an OpenSearch Ingestion pipeline with an HTTP source, by a function with dead letters."""

    pipeline: Annotated[
        str,
        matching(r"arn:aws[\w-]*:osis:[a-z0-9-]+:\d{12}:pipeline/[a-z][a-z0-9-]{2,27}", "the ARN of a pipeline"),
    ]
    """The pipeline's ARN."""
    endpoint: Annotated[
        str,
        matching(
            r"[a-z0-9-]+\.[a-z0-9-]+\.osis\.amazonaws\.com",
            "the pipeline's host name without https://, such as logs-abc123.eu-west-1.osis.amazonaws.com",
        ),
    ]
    """Its ingestion endpoint without https://."""
    path: Annotated[str, matching(r"/[\w/.-]{0,200}", "the path of the pipeline's HTTP source, such as /logs")] = (
        "/logs"
    )
    """The path of its HTTP source."""
    parse_json: bool = False
    """Whether a line that is a JSON object becomes `fields` of the document."""
    network: FunctionNetwork | None = None
    """Where the function runs when the pipeline is in a VPC."""


class HttpEndpoint(Strict):
    """Shipping to a partner by HTTP, such as Sumo Logic, by Amazon Data Firehose."""

    url: Annotated[str, matching(r"https://[^\s]{1,990}", "an https:// URL")]
    """Where events are posted."""
    name: Annotated[str, Field(min_length=1, max_length=256)] = "partner"
    """The partner's name, shown in the console."""
    access_key_secret: (
        Annotated[str, matching(r"[\w/+=.@-]{1,512}", "the name of a secret such as app/sumo-key")] | None
    ) = None
    """A secret of Secrets Manager that holds the access key as {"api_key": "…"}."""
    buffer: Duration = timedelta(minutes=1)
    """For how long events are collected."""
    buffer_mb: Annotated[int, Field(ge=1, le=64)] = 1
    """How many megabytes are collected at most."""
    retry: Duration = timedelta(minutes=5)
    """For how long a delivery is repeated before it goes to the bucket of failed ones."""
    messages_only: bool = True
    """Whether lines alone are posted; else the batches of CloudWatch Logs, unpacked."""


class Bucket(Strict):
    """Shipping to a bucket by Amazon Data Firehose."""

    bucket: Annotated[str, matching(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]", "the name of a bucket")] | None = None
    """An existing bucket; one is made when left out."""
    key: KeyArn | None = None
    """The KMS key of an existing bucket."""
    prefix: Annotated[str, matching(r"[\w!.*'()/=-]{0,200}", "a prefix of letters, digits and _ ! . * ' ( ) / = -")] = (
        "logs/"
    )
    """What object keys begin with; the hour in UTC follows."""
    retain: Days | None = None
    """For how long objects are kept in a bucket that is made here; for good when left out."""
    buffer: Duration = timedelta(minutes=5)
    """For how long events are collected."""
    buffer_mb: Annotated[int, Field(ge=1, le=128)] = 64
    """How many megabytes are collected at most."""
    messages_only: bool = False
    """Whether lines alone are kept; else the batches of CloudWatch Logs, one a line, with group, stream and ids."""


class Ship(Strict):
    """One place to which events of the group are shipped."""

    opensearch: OpenSearch | None = None
    """An OpenSearch domain, by a function."""
    opensearch_ingestion: OpenSearchIngestion | None = None
    """An OpenSearch Ingestion pipeline, by a function."""
    http: HttpEndpoint | None = None
    """A partner's HTTP endpoint."""
    s3: Bucket | None = None
    """A bucket."""
    pattern: Annotated[str, Field(max_length=1024), AfterValidator(check_pattern)] = ""
    """Which events; all when left out."""

    @model_validator(mode="after")
    def _one_place(self) -> Ship:
        given = [
            name for name in ("opensearch", "opensearch_ingestion", "http", "s3") if getattr(self, name) is not None
        ]
        if len(given) != 1:
            raise ValueError(
                f"a shipment goes to one of opensearch, opensearch_ingestion, http and s3, not {len(given)}"
            )
        return self
