"""Seals the heads of runs, and makes keyed fingerprints: by KMS keys, or by keys of this machine.

The keys are kept apart from the evidence: who can write a record, and the roles that drills run with, cannot sign.
What is signed is the SHA-256 of a head, in hexadecimal: KMS takes at most 4,096 bytes,
https://docs.aws.amazon.com/kms/latest/APIReference/API_Sign.html.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import os
import secrets
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from baseops.aws.errors import translated
from baseops.contract.clients import Clients
from baseops.errors import AccessError, NotFoundError, UsageError
from baseops.evidence.records import Signature, sha256

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey

ALGORITHM = "ECDSA_SHA_256"
MAC = "HMAC_SHA_256"
_SECRET_BYTES = 32
_REMEDY = "Put the file back as it was. Where there is none a new key is made, which is not trusted for what is sealed."


class Signer(Protocol):
    """Signs heads and checks the signatures of its own key alone."""

    @property
    def key(self) -> str:
        """The key's ARN, or `local:` and a fingerprint."""

    def sign(self, content: bytes) -> Signature:
        """Seal it."""

    def is_valid(self, content: bytes, signature: Signature) -> bool:
        """Whether this key sealed exactly that content."""


class Fingerprints(Protocol):
    """Keyed hashes: a hash of a short file could be guessed without a key."""

    def fingerprint(self, content: bytes) -> str:
        """The same for the same content; in hexadecimal."""


class KmsKeys:
    """An asymmetric key that signs, and an HMAC key. Both are found by their aliases."""

    def __init__(self, clients: Clients, region: str, signing: str, fingerprints: str) -> None:
        """Looks the signing key up; raises `NotFoundError` where there is none. Calls DescribeKey."""
        self._kms = clients.client("kms", region)
        self._fingerprints = fingerprints
        with translated(f"cannot find the signing key {signing} in {region}"):
            self.key = str(self._kms.describe_key(KeyId=signing)["KeyMetadata"]["Arn"])

    def sign(self, content: bytes) -> Signature:
        """Calls Sign."""
        with translated(f"cannot sign with {self.key}"):
            answer = self._kms.sign(
                KeyId=self.key, Message=_message(content), MessageType="RAW", SigningAlgorithm=ALGORITHM
            )
        return Signature(ALGORITHM, self.key, base64.b64encode(answer["Signature"]).decode())

    def is_valid(self, content: bytes, signature: Signature) -> bool:
        """Calls Verify, which answers a wrong signature with an error."""
        value = _decoded(signature.value)
        if signature.key != self.key or signature.algorithm != ALGORITHM or not value:
            return False
        try:
            answer = self._kms.verify(
                KeyId=self.key,
                Message=_message(content),
                MessageType="RAW",
                SigningAlgorithm=ALGORITHM,
                Signature=value,
            )
        except self._kms.exceptions.KMSInvalidSignatureException:
            return False
        return bool(answer["SignatureValid"])

    def fingerprint(self, content: bytes) -> str:
        """Calls GenerateMac."""
        with translated(f"cannot make a fingerprint with {self._fingerprints}"):
            answer = self._kms.generate_mac(
                KeyId=self._fingerprints, Message=sha256(content).encode(), MacAlgorithm=MAC
            )
        return bytes(answer["Mac"]).hex()


class LocalKeys:
    """Keys in files of this machine, made on first use and readable by their owner alone."""

    def __init__(self, folder: Path) -> None:
        """`folder` must not be the evidence's own: who can change the evidence must not be able to seal it."""
        self._private = _private_key(folder / "evidence-signing.pem")
        self._secret = _secret(folder / "evidence-fingerprints.key")
        self.key = f"local:{sha256(_public_bytes(self._private))[:32]}"

    def sign(self, content: bytes) -> Signature:
        """By ECDSA on P-256."""
        from cryptography.hazmat.primitives import hashes
        from cryptography.hazmat.primitives.asymmetric import ec

        value = self._private.sign(_message(content), ec.ECDSA(hashes.SHA256()))
        return Signature(ALGORITHM, self.key, base64.b64encode(value).decode())

    def is_valid(self, content: bytes, signature: Signature) -> bool:
        """Whether this key sealed it."""
        from cryptography.exceptions import InvalidSignature
        from cryptography.hazmat.primitives import hashes
        from cryptography.hazmat.primitives.asymmetric import ec

        value = _decoded(signature.value)
        if signature.key != self.key or signature.algorithm != ALGORITHM or not value:
            return False
        try:
            self._private.public_key().verify(value, _message(content), ec.ECDSA(hashes.SHA256()))
        except InvalidSignature:
            return False
        return True

    def fingerprint(self, content: bytes) -> str:
        """By HMAC."""
        return hmac.new(self._secret, sha256(content).encode(), hashlib.sha256).hexdigest()


def find_keys(clients: Clients, region: str, prefix: str, folder: Path) -> KmsKeys | LocalKeys:
    """The KMS keys of the foundation; where it has none, keys in a folder of this machine."""
    signing, fingerprints = f"alias/{prefix}-evidence-signing", f"alias/{prefix}-evidence-fingerprints"
    try:
        return KmsKeys(clients, region, signing, fingerprints)
    except NotFoundError:
        return LocalKeys(folder)
    except AccessError:
        # Who may use our keys alone, by their aliases, is refused as well while there is none.
        if _has_alias(clients, region, signing):
            raise
        return LocalKeys(folder)


def _has_alias(clients: Clients, region: str, alias: str) -> bool:
    """Calls ListAliases."""
    pages = clients.client("kms", region).get_paginator("list_aliases").paginate()
    with translated(f"cannot list the aliases of keys in {region}"):
        return any(each["AliasName"] == alias for page in pages for each in page["Aliases"])


def _message(content: bytes) -> bytes:
    return sha256(content).encode()


def _decoded(text: str) -> bytes:
    """The bytes of a signature; empty where the text is not the one that they are written with."""
    try:
        value = base64.b64decode(text, validate=True)
    except binascii.Error:
        return b""
    # Bits after the last byte may be anything in base64, and must not in evidence.
    return value if base64.b64encode(value).decode() == text else b""


def _private_key(path: Path) -> EllipticCurvePrivateKey:
    try:
        from cryptography.hazmat.primitives import serialization
        from cryptography.hazmat.primitives.asymmetric import ec
    except ImportError as error:
        raise UsageError(
            "evidence cannot be signed",
            "there is no KMS key for it, and a local one needs the package cryptography",
            "Run: pip install 'baseops-aws[evidence]', or baseops apply for a KMS key.",
        ) from error
    if not path.exists():
        made = ec.generate_private_key(ec.SECP256R1()).private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        _write_once(path, made)
    try:
        loaded = serialization.load_pem_private_key(path.read_bytes(), None)
    except (TypeError, ValueError) as error:
        raise UsageError(f"{path} cannot sign evidence", f"it holds no key: {error}", _REMEDY) from error
    if not isinstance(loaded, ec.EllipticCurvePrivateKey):
        raise UsageError(f"{path} cannot sign evidence", "it holds another kind of key", _REMEDY)
    return loaded


def _public_bytes(key: EllipticCurvePrivateKey) -> bytes:
    from cryptography.hazmat.primitives import serialization

    return key.public_key().public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)


def _secret(path: Path) -> bytes:
    if not path.exists():
        _write_once(path, secrets.token_bytes(_SECRET_BYTES))
    secret = path.read_bytes()
    if len(secret) != _SECRET_BYTES:
        raise UsageError(f"{path} makes no fingerprints", f"it does not hold {_SECRET_BYTES} bytes", _REMEDY)
    return secret


def _write_once(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    handle, name = tempfile.mkstemp(prefix=".new-", dir=path.parent)  # readable by its owner alone
    temporary = Path(name)
    with os.fdopen(handle, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    try:
        os.link(temporary, path)
    except FileExistsError:
        return
    finally:
        temporary.unlink()
