"""What is found in an image's file system: declared checks, agents, and what nobody should find there."""

from __future__ import annotations

import gzip
import os

import pytest

from baseops.areas.images import agents, credentials, leftovers
from baseops.areas.images.file_checks import faults
from baseops.areas.images.shown import listed, shown
from baseops.areas.images.spec import Entry, ImageCheck

PASSWD = (
    "root:x:0:0:root:/root:/bin/bash\ndaemon:x:2:2::/sbin:/sbin/nologin\nec2-user:x:1000:1000::/home/ec2-user:/bin/sh\n"
)
KEY_ID = "AKIA" + "Q3EGRZ5LHV7ENB2C"
SECRET = "wJalrXUtnFEMI/K7MDENG/" + "bPxRfiCYEXAMPLEKEY"
PRIVATE = "-----BEGIN OPENSSH " + "PRIVATE KEY-----\n" + "b3BlbnNzaC1rZXktdjEAAAAABG5vbmUAAAAEbm9uZQAAAAAAAAAB" + "\n"


@pytest.fixture
def write(folder):
    def put(path: str, content: str | bytes = "x") -> None:
        place = folder / path.lstrip("/")
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(content if isinstance(content, bytes) else content.encode())

    put("/etc/passwd", PASSWD)
    return put


def check(**given) -> list[ImageCheck]:
    return [ImageCheck(**given)]


CHECKS = {
    "a file that is there": ({"file": "/usr/sbin/nginx"}, []),
    "a file that is missing": ({"file": "/usr/sbin/apache"}, ["/usr/sbin/apache is missing"]),
    "through a link": ({"file": "/sbin/nginx"}, []),
    "a folder for a file": ({"file": "/usr/sbin"}, ["/usr/sbin is a dir, not a file"]),
    "its mode": ({"file": "/usr/sbin/nginx", "mode": "0755"}, []),
    "another mode": (
        {"file": "/usr/sbin/nginx", "mode": "0644"},
        ["/usr/sbin/nginx has the mode 0755, not 0644"],
    ),
    "its owner": ({"file": "/usr/sbin/nginx", "owner": "builder"}, []),
    "another owner": (
        {"file": "/usr/sbin/nginx", "owner": "daemon"},
        ["/usr/sbin/nginx belongs to builder, not to daemon"],
    ),
    "a text in it": ({"file": "/usr/sbin/nginx", "contains": "nginx/1.26"}, []),
    "a text that is not": (
        {"file": "/usr/sbin/nginx", "contains": "nginx/9"},
        ["/usr/sbin/nginx does not hold the declared text"],
    ),
    "absent": ({"absent": "/etc/nginx/*.bak"}, []),
    "not absent": ({"absent": "/sbin/ngin*"}, ["/sbin/nginx should be absent"]),
    "a link that leads nowhere is not absent": ({"absent": "/etc/dangling"}, ["/etc/dangling should be absent"]),
    "a package": ({"package": "nginx"}, []),
    "a package that is missing": ({"package": "apache"}, ["the package apache is not installed"]),
    "a command is not of the files": ({"run": "nginx -t"}, []),
}


@pytest.mark.parametrize(("given", "expected"), CHECKS.values(), ids=CHECKS)
def test_declared_checks_are_held_against_the_files(folder, write, opened, given, expected):
    write("/etc/passwd", f"{PASSWD}builder:x:{os.getuid()}:0::/:/bin/sh\n" if os.getuid() else PASSWD)
    if not os.getuid():
        write("/etc/passwd", PASSWD.replace("root:x:0", "builder:x:0"))
    write("/usr/sbin/nginx", "nginx/1.26")
    (folder / "usr/sbin/nginx").chmod(0o755)
    (folder / "sbin").symlink_to("usr/sbin")
    (folder / "etc/dangling").symlink_to("/nowhere")

    assert expected == faults(opened(), check(**given), {"nginx"})


def test_keys_to_log_in_are_found_wherever_sshd_looks_for_them(write, opened):
    write("/home/ec2-user/.ssh/authorized_keys", "ssh-ed25519 AAAA")
    write("/home/forgotten/.ssh/authorized_keys2", "ssh-ed25519 AAAA")
    write("/root/.ssh/authorized_keys", "")
    write("/etc/ssh/sshd_config", "Include x\nAuthorizedKeysFile .ssh/authorized_keys /etc/keys/%u\n")
    write("/etc/keys/daemon", "ssh-ed25519 AAAA")

    assert leftovers.authorized_keys(opened()) == [
        "/etc/keys/daemon",
        "/home/ec2-user/.ssh/authorized_keys",
        "/home/forgotten/.ssh/authorized_keys2",
    ]


def test_host_keys_and_histories_are_found(write, opened):
    write("/etc/ssh/ssh_host_ed25519_key", "private")
    write("/etc/ssh/ssh_host_ed25519_key.pub", "public")
    write("/etc/ssh/moduli", "x")
    write("/root/.bash_history", "curl")
    write("/home/ec2-user/.viminfo", "x")
    write("/home/ec2-user/.zsh_history", "")
    snapshot = opened()

    assert leftovers.host_keys(snapshot) == ["/etc/ssh/ssh_host_ed25519_key", "/etc/ssh/ssh_host_ed25519_key.pub"]
    assert leftovers.histories(snapshot) == ["/home/ec2-user/.viminfo", "/root/.bash_history"]


LEFT = {
    "the AWS CLI's file": ("/root/.aws/credentials", "[default]", "credentials of the AWS CLI"),
    "netrc": ("/home/ec2-user/.netrc", "machine x", "passwords of .netrc"),
    "a private key in a home": ("/home/ec2-user/.ssh/id_ed25519", PRIVATE, "a private key"),
    "an access key in configuration": ("/etc/app/config.ini", f"key = {KEY_ID}\n", "an access key id"),
    "a secret key": ("/opt/app/.env", f"AWS_SECRET_ACCESS_KEY={SECRET}\n", "a secret access key"),
    "user data": ("/var/lib/cloud/instances/i-0a/user-data.txt", "export DB_PASSWORD=hunter22\n", "a password"),
    "packed user data": (
        "/var/lib/cloud/instances/i-0a/user-data.txt",
        gzip.compress(b"git clone https://bot:hunter22@git.example/x\n"),
        "credentials in a URL",
    ),
    "a log of a build": ("/var/log/build.log", f"+ aws configure set aws_access_key_id {KEY_ID}\n", "an access key id"),
}


@pytest.mark.parametrize(("path", "content", "kind"), LEFT.values(), ids=LEFT)
def test_credentials_are_found_by_name_and_by_form(write, opened, path, content, kind):
    write(path, content)

    assert {path: kind} == credentials.search(opened()).found


HARMLESS = {
    "an example of the documentation": ("/home/ec2-user/notes", "AKIA" + "IOSFODNN7EXAMPLE"),
    "a rule of PAM": ("/etc/pam.d/login", "password required pam_unix.so sha512\n"),
    "a comment in configuration": ("/etc/app.conf", "# password = your-password-here\n"),
    "a variable": ("/home/ec2-user/run.sh", 'export PASSWORD="$(get password)"\n'),
    "a certificate": ("/etc/pki/ca.pem", "-----BEGIN CERTIFICATE-----\nMIIB\n"),
    "a mention of a key": ("/etc/ssh/notes", "-----BEGIN PRIVATE KEY----- is how one begins"),
    "a program": ("/usr/bin/tool", PRIVATE),
}


@pytest.mark.parametrize(("path", "content"), HARMLESS.values(), ids=HARMLESS)
def test_what_is_no_credential_is_none(write, opened, path, content):
    write(path, content)

    assert credentials.search(opened()).found == {}


def test_a_search_that_ends_early_says_so(write, opened, monkeypatch):
    monkeypatch.setattr(credentials, "MOST_FILES", 1)
    write("/etc/a")
    write("/etc/b")

    assert not credentials.search(opened()).is_complete


def test_an_image_has_the_agents_that_its_components_bring(write, opened):
    section = {"promise": {"max_age": "8d"}, "components": ["update", "cloudwatch-agent"]}
    entry = Entry.model_validate(section)
    write("/usr/bin/amazon-ssm-agent")

    assert agents.missing(opened(), agents.expected(entry)) == ["the CloudWatch agent"]


def test_hostile_names_are_shown_harmless():
    assert shown("/tmp/a\x1b[31m\n") == r"/tmp/a\x1b[31m\x0a"
    assert shown("/home/a@b.example/.netrc") == "a path with what looks like a mail address in it"
    assert shown(f"/{KEY_ID}") == "a path with what looks like an access key id in it"
    assert len(shown("/" + "a" * 900)) == 120
    assert listed([str(each) for each in range(7)]) == "0, 1, 2, 3, 4 and 2 more"
