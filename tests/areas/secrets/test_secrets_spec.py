"""Bad declarations of secrets, each with what is said; and good ones."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from pydantic import ValidationError

from baseops.areas.secrets import authorities, spec
from baseops.areas.secrets.credentials import kind_of_secret, names_a_secret
from baseops.contract.finding import Severity
from baseops.contract.site import Site

HERE = Path(__file__).parent
SITE = Site("acme", ("111111111111",), "eu-west-1", ("us-east-1",), folder=str(HERE))
POSTGRES = "{function: postgres-single-user, every: 30d, network: {subnets: [subnet-0a1], security_groups: [sg-0a1]}}"
READ = "readers: [role/web]"


def rotated(when: str) -> str:
    return f"{{secret: a, rotation: {POSTGRES.replace('every: 30d', when)}, readers: [role/web]}}"


def section(text: str) -> spec.Section:
    return spec.Section.model_validate(yaml.safe_load(text))


def test_the_full_section_is_valid():
    assert spec.check(section((HERE / "full.yaml").read_text()), SITE) == []


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        ("{}", "write either `secret:` with a name in Secrets Manager or `parameter:` with one in SSM"),
        (
            "{secret: a, parameter: /a}",
            "write either `secret:` with a name in Secrets Manager or `parameter:` with one in SSM",
        ),
        ("{secret: 'a b'}", "expected a secret name of 1-512 letters, digits and /_+=.@-, got 'a b'"),
        (
            "{secret: app/db-secret}",
            (
                "'app/db-secret' ends in a hyphen and six characters, as the ARNs of secrets do: Secrets Manager may "
                "then take the name for part of an ARN; write another ending, such as 'app/db-secret-value'"
            ),
        ),
        ("{parameter: app/key}", "the name of a parameter in a hierarchy begins with a slash: write /app/key"),
        (
            "{parameter: /aws/key}",
            "parameter names that begin with aws or ssm are AWS's own: '/aws/key' needs another beginning",
        ),
        (
            "{parameter: SSMkey}",
            "parameter names that begin with aws or ssm are AWS's own: 'SSMkey' needs another beginning",
        ),
        (
            "{parameter: /a//b}",
            "expected a parameter name of letters, digits, _ . - and / between levels, got '/a//b'",
        ),
        (
            "{parameter: /1/2/3/4/5/6/7/8/9/10/11/12/13/14/15/16}",
            "a parameter has at most 15 levels, '/1/2/3/4/5/6/7/8/9/10/11/12/13/14/15/16' has 16",
        ),
        (
            "{parameter: /a, type: String, value: 30}",
            'expected text in quotes, such as "30" (a StringList also takes a list of texts without commas)',
        ),
        (
            "{parameter: /a, type: String, value: yes}",
            'expected text in quotes, such as "true" (a StringList also takes a list of texts without commas)',
        ),
        (
            "{secret: a, rotation: {function: mysql, every: 30d}}",
            "expected postgres-single-user or the ARN of a Lambda function, got 'mysql'",
        ),
        (
            "{secret: a, rotation: {every: 30d, network: {subnets: [eth0], security_groups: [sg-0a1]}}}",
            "expected an id such as subnet-0a1b2c3d, got 'eth0'",
        ),
        ("{secret: a, readers: [web]}", "expected a role such as role/web or its ARN, got 'web'"),
    ],
)
def test_what_the_schema_refuses(entry: str, message: str):
    with pytest.raises(ValidationError) as refused:
        section(f"db: {entry}")
    assert [error["msg"] for error in refused.value.errors()] == [f"Value error, {message}"]


BAD = [
    (
        "{secret: a, type: String, readers: [role/web]}",
        "db.type",
        "a secret has no `type`, only a parameter has",
        "Remove `type`, or make it a `parameter:`.",
    ),
    (
        "{parameter: /a, generate: {length: 20}, readers: [role/web]}",
        "db.generate",
        "a parameter has no `generate`, only a secret has",
        "Remove `generate`, or make it a `secret:`.",
    ),
    (
        "{secret: a, managed: false, generate: {length: 20}, readers: [role/web]}",
        "db.generate",
        "`generate` makes or changes something, and `managed: false` says that somebody else does",
        "Remove `generate`, or remove `managed: false`.",
    ),
    (
        "{parameter: /a, value: hunter, readers: [role/web]}",
        "db.value",
        "the value of a SecureString never stands in a declaration",
        "Remove `value`; after apply, type: baseops secrets put /a (or write `type: String` for configuration).",
    ),
    (
        "{parameter: /a, type: StringList, readers: [role/web]}",
        "db",
        "a parameter of type StringList needs a `value`",
        "Write `value: …`, or `type: SecureString` for a secret that is put by hand.",
    ),
    (
        f"{{parameter: /a, type: String, value: {'x ' * 2100}x, readers: [role/web]}}",
        "db.value",
        "the value has 4201 bytes, more than the 4096 of its tier",
        "Shorten it, or write `tier: Advanced` (up to 8192 bytes).",
    ),
    (
        "{parameter: /a, type: String, value: 'postgres://app:hunter2@db/app', readers: [role/web]}",
        "db.value",
        (
            "the value looks like a password in a URL; it would stand in this file, in the template and in every "
            "copy of both"
        ),
        "Write `type: SecureString` without `value`, then type: baseops secrets put /a",
    ),
    (
        "{parameter: /app/db-password, type: String, value: correct horse, readers: [role/web]}",
        "db.value",
        (
            "the value looks like a secret, by its name; it would stand in this file, in the template and in every "
            "copy of both"
        ),
        "Write `type: SecureString` without `value`, then type: baseops secrets put /app/db-password",
    ),
    (
        "{secret: a, generate: {template: {username: app}}, readers: [role/web]}",
        "db.generate",
        "`template` and `key` belong together: the password is put into the template under that key",
        "Write both, such as `template: {username: app}` and `key: password`, or neither.",
    ),
    (
        "{secret: a, generate: {template: {username: app, password: x}, key: password}, readers: [role/web]}",
        "db.generate.template.password",
        "`password` holds what has to stay secret, or is what Secrets Manager generates",
        "Remove `password` from the template; `key` names the member that is generated.",
    ),
    (
        (
            "{secret: a, generate: {exclude_lowercase: true, exclude_uppercase: true, exclude_numbers: true, "
            "exclude_punctuation: true}, readers: [role/web]}"
        ),
        "db.generate",
        "every kind of character is excluded",
        "Allow at least one kind.",
    ),
    (
        "{secret: a, generate: {length: 3}, readers: [role/web]}",
        "db.generate.length",
        "a password of 3 characters cannot hold one of each of 4 kinds",
        "Write `length: 4` or more (32 is the default).",
    ),
    (
        "{secret: a, rotation: {every: 30d}, readers: [role/web]}",
        "db.rotation",
        (
            "rotation needs a function that also changes the password in the service that checks it; without one, the "
            "first rotation locks the application out"
        ),
        "Write `function: postgres-single-user`, the ARN of a Lambda function of yours, or no `rotation`.",
    ),
    (
        (
            "{secret: a, rotation: {function: 'arn:aws:lambda:us-east-1:111111111111:function:r', every: 30d}, "
            "readers: [role/web]}"
        ),
        "db.rotation.function",
        "the function is in us-east-1, the secret in eu-west-1",
        "Name a function of the secret's own region.",
    ),
    (
        (
            "{secret: a, rotation: {function: 'arn:aws:lambda:eu-west-1:111111111111:function:r', every: 30d, "
            "ca_certificates: a.pem}, readers: [role/web]}"
        ),
        "db.rotation.ca_certificates",
        (
            "`ca_certificates` belongs to the function that baseops makes, and "
            "arn:aws:lambda:eu-west-1:111111111111:function:r is yours"
        ),
        "Remove `ca_certificates`, or write `function: postgres-single-user`.",
    ),
    (
        f"{{secret: a, rotation: {POSTGRES.replace('every: 30d', 'every: 2h')}, readers: [role/web]}}",
        "db.rotation.every",
        "Secrets Manager rotates at most every 4 hours and at least every 1000 days",
        "Write `every:` 4h to 1000d.",
    ),
    (
        f"{{secret: a, rotation: {POSTGRES.replace('every: 30d', 'every: 250m')}, readers: [role/web]}}",
        "db.rotation.every",
        "Secrets Manager counts in whole hours or days",
        "Write `every: 4h` or `every: 30d`.",
    ),
    (
        f"{{secret: a, rotation: {POSTGRES.replace('every: 30d, ', '')}, readers: [role/web]}}",
        "db.rotation.every",
        "a rotation has either an interval or a cron expression",
        'Write `every: 30d` or `cron: "0 3 1 * ? *"`.',
    ),
    (
        rotated("cron: '0 */2 * * ? *'"),
        "db.rotation.cron",
        'Secrets Manager rotates at most every 4 hours: write hours such as "3" or "0/4"',
        "",
    ),
    (
        rotated("cron: '30 3 * * ? *'"),
        "db.rotation.cron",
        'rotation starts on the hour: the first field, minutes, is 0, as in "0 3 ? * SUN *"',
        "",
    ),
    (
        f"{{secret: a, rotation: {POSTGRES.replace('every: 30d', 'every: 4h, window: 6h')}, readers: [role/web]}}",
        "db.rotation.window",
        "the window is longer than the interval, so two rotations would overlap",
        "Write a shorter `window`.",
    ),
    (
        rotated("cron: '0 23 * * ? *', window: 3h"),
        "db.rotation.window",
        "the window ends after midnight UTC",
        "Write a shorter `window` or an earlier hour.",
    ),
    (
        f"{{secret: a, rotation: {POSTGRES}, promise: {{max_age: 7d}}, readers: [role/web]}}",
        "db.promise.max_age",
        "the value is replaced every 30d, so it cannot always be younger than 1w",
        "Write a `max_age` above 30d, or rotate more often.",
    ),
    (
        f"{{secret: a, generate: {{length: 20}}, rotation: {POSTGRES}, readers: [role/web]}}",
        "db.generate",
        "the PostgreSQL rotation reads host, username and password from the secret's JSON",
        "Write `key: password` and `template: {host: …, username: …, dbname: …}`.",
    ),
    (
        (
            f"{{secret: a, rotation: {POSTGRES.replace('every: 30d', 'every: 30d, ca_certificates: no.pem')}, "
            "readers: [role/web]}"
        ),
        "db.rotation.ca_certificates",
        "the file no.pem cannot be read (No such file or directory)",
        "Name a PEM file with the authorities of the database's certificate.",
    ),
    (
        "{secret: a, readers: ['arn:aws:iam::222222222222:role/x']}",
        "db.readers.0",
        (
            "account 222222222222 is not among the declaration's; it needs a key whose policy names it, which the "
            "declaration's own key never does, and a resource policy"
        ),
        "Write `key:` with the ARN of such a key and `resource_policy: true`, or remove the reader.",
    ),
    (
        "{parameter: /a, readers: ['arn:aws:iam::222222222222:role/x']}",
        "db.readers.0",
        "account 222222222222 is not among the declaration's, and a parameter is read in its own account only",
        "Make it a `secret:`, or remove the reader.",
    ),
    (
        "{secret: a, readers: [role/aws-reserved/sso.amazonaws.com/AWSReservedSSO_Ops_0a1]}",
        "db.readers.0",
        "only AWS can change AWSReservedSSO_Ops_0a1: nothing can be attached to it",
        "Write `attach: print` and put the printed policy into its permission set.",
    ),
    ("{secret: a, readers: [role/web, role/web]}", "db.readers.1", "role/web stands twice", "Remove one."),
    (
        "{secret: a, readers: [role/web], resource_policy: true}",
        "db.resource_policy",
        "nobody but the readers and the account's root user could read the secret, not even to repair it",
        "Write `administrators: [role/…]`.",
    ),
    (
        "{secret: a, readers: [role/web], replicas: [ap-south-1]}",
        "db.replicas.0",
        "ap-south-1 is not among the declaration's `regions`, so there is no key for the copy",
        "Write `regions: [ap-south-1]` at the top.",
    ),
    (
        "{secret: a, readers: [role/web], replicas: [eu-west-1]}",
        "db.replicas.0",
        "the secret is in eu-west-1 already",
        "Remove it.",
    ),
    (
        "{secret: a, readers: [role/web], key: 'arn:aws:kms:us-east-1:111111111111:key/1234abcd'}",
        "db.key",
        "the key is in us-east-1, and a key works in its own region only",
        "Name a key of eu-west-1.",
    ),
    (
        (
            "{parameter: /a, type: String, value: x, key: 'arn:aws:kms:eu-west-1:111111111111:key/1234abcd', "
            "readers: [role/web]}"
        ),
        "db.key",
        "a String is not encrypted",
        "Remove `key`, or `type`.",
    ),
]


@pytest.mark.parametrize(("entry", "path", "message", "remedy"), BAD)
def test_what_check_refuses(entry: str, path: str, message: str, remedy: str):
    (found,) = spec.check(section(f"db: {entry}"), SITE)
    assert (".".join(map(str, found.path[1:])), found.message, found.remedy, found.severity) == (
        path,
        message,
        remedy,
        Severity.ERROR,
    )


def test_two_entries_cannot_have_one_name():
    (found,) = spec.check(section(f"a: {{secret: x, {READ}}}\nb: {{secret: x, {READ}}}"), SITE)
    assert (found.path, found.message) == (("secrets", "b", "secret"), "`a` has the secret x already")


def test_a_secret_and_a_parameter_may_have_one_name():
    assert spec.check(section(f"a: {{secret: x, {READ}}}\nb: {{parameter: x, {READ}}}"), SITE) == []


def test_a_role_that_reads_too_much_for_one_policy_is_refused():
    many = "\n".join(f"s{number}: {{secret: app/{'long-name/' * 8}{number}, {READ}}}" for number in range(50))
    (found,) = spec.check(section(many), SITE)
    assert found.rule == "secrets.policy-too-large"
    assert found.message.startswith("what role/web reads makes a policy of 15")
    assert found.message.endswith(" characters, more than the 10240 that IAM takes")


def test_nobody_declared_and_no_network_are_warnings():
    found = spec.check(
        section(
            f"a: {{secret: x}}\nb: {{secret: y, {READ}, rotation: {{function: postgres-single-user, every: 30d}}}}"
        ),
        SITE,
    )
    assert [(each.severity, each.rule) for each in found] == [
        (Severity.WARNING, "secrets.nobody-declared"),
        (Severity.WARNING, "secrets.rotation-without-network"),
    ]


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("info", ""),
        ("arn:aws:secretsmanager:eu-west-1:111111111111:secret:app/db-AbCdEf", ""),
        ("https://acme.example/callback?x=1", ""),
        ("9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08", ""),
        ("AKIAIOSFODNN7EXAMPLE", "an AWS access key"),
        ("-----BEGIN RSA PRIVATE KEY-----", "a private key"),
        ("password=correct-horse", "a password"),
        ("kJ8sQ2vN5xR1tY7wZ3bH6mP9dF4gL0aC", "a random token"),
    ],
)
def test_text_that_looks_like_a_secret(text: str, kind: str):
    assert kind_of_secret(text) == kind


def test_names_that_say_secret():
    assert [
        name for name in ("/app/db-password", "/app/token", "/app/secret-name", "/app/tokens") if names_a_secret(name)
    ] == [
        "/app/db-password",
        "/app/token",
    ]


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        ("not a certificate", "the file a.pem holds no certificate in PEM form"),
        (
            "-----BEGIN CERTIFICATE-----\nbm90IGEgY2VydGlmaWNhdGU=\n-----END CERTIFICATE-----\n",
            "the file a.pem holds a certificate that cannot be read",
        ),
        (
            "-----BEGIN CERTIFICATE-----\n-----BEGIN PRIVATE KEY-----\n",
            "the file a.pem holds a private key, which would be packed with the function",
        ),
    ],
)
def test_files_that_hold_no_authorities(tmp_path, content: str, problem: str):
    (tmp_path / "a.pem").write_text(content)
    assert authorities.problem(str(tmp_path), "a.pem") == problem
