"""Operations on email identities: made, read, changed and removed; verification runs on the account's clock."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from baseops.sandbox.services.sesv2 import addresses, verification
from baseops.sandbox.services.sesv2.configuration_sets import ConfigurationSetOperations
from baseops.sandbox.services.sesv2.errors import AlreadyExistsError, BadRequestError, NotFoundError
from baseops.sandbox.services.sesv2.state import EmailIdentity, MailFrom, Signing
from baseops.semantics.mail.addresses import address_problem, domain_problem, fold, is_address, is_within
from baseops.semantics.mail.dkim import SIGNING_ZONE
from baseops.semantics.mail.ses import MAX_OWN_KEY_BITS, MIN_OWN_KEY_BITS

# Any throughout: members of AWS's shapes, whose types only the botocore model knows.


class IdentityOperations(ConfigurationSetOperations):
    """CreateEmailIdentity and its kin."""

    def __init__(self, region_name: str, account_id: str) -> None:
        super().__init__(region_name, account_id)
        self.identities: dict[str, EmailIdentity] = {}

    def create_email_identity(
        self,
        *,
        email_identity: str,
        tags: list[dict[str, str]] | None = None,
        dkim_signing_attributes: dict[str, str] | None = None,
        configuration_set_name: str = "",
    ) -> dict[str, Any]:
        name = fold(email_identity)
        if address_problem(name) if is_address(name) else domain_problem(name):
            raise BadRequestError(f"Invalid email identity: {email_identity}.")
        if name in self.identities:
            raise AlreadyExistsError(f"Email identity {name} already exist.")
        if configuration_set_name:
            self.set_of(configuration_set_name)
        identity = EmailIdentity(
            name, self.now(), self._signing(dkim_signing_attributes), list(tags or ()), configuration_set_name
        )
        self.identities[name] = identity
        if identity.is_address:
            self.ask(identity)
        else:
            self._keep_looking(identity)
        described = self.describe_identity(identity)
        return {key: described[key] for key in ("IdentityType", "VerifiedForSendingStatus", "DkimAttributes")}

    def get_email_identity(self, *, email_identity: str) -> dict[str, Any]:
        return self.describe_identity(self.identity_of(email_identity))

    def delete_email_identity(self, *, email_identity: str) -> dict[str, Any]:
        del self.identities[self.identity_of(email_identity).name]
        return {}

    def list_email_identities(self, *, next_token: str = "", page_size: int = 1000) -> dict[str, Any]:
        names = sorted(self.identities)
        start = int(next_token or 0)
        page = [self.identities[name] for name in names[start : start + page_size]]
        rest = {"NextToken": str(start + page_size)} if start + page_size < len(names) else {}
        return {"EmailIdentities": [_listed(each) for each in page], **rest}

    def put_email_identity_configuration_set_attributes(
        self, *, email_identity: str, configuration_set_name: str = ""
    ) -> dict[str, Any]:
        identity = self.identity_of(email_identity)
        if configuration_set_name:
            self.set_of(configuration_set_name)
        identity.configuration_set = configuration_set_name
        return {}

    def put_email_identity_dkim_attributes(
        self, *, email_identity: str, signing_enabled: bool = False
    ) -> dict[str, Any]:
        identity = self.identity_of(email_identity)
        identity.signing.is_enabled = signing_enabled
        if signing_enabled and identity.signing.status == "FAILED":
            self._start_again(identity)
        return {}

    def put_email_identity_dkim_signing_attributes(
        self,
        *,
        email_identity: str,
        signing_attributes_origin: str,
        signing_attributes: dict[str, str] | None = None,
    ) -> dict[str, Any]:
        identity = self.identity_of(email_identity)
        given = dict(signing_attributes or {})
        if signing_attributes_origin == "EXTERNAL" or identity.signing.origin != signing_attributes_origin:
            identity.signing = self._signing(given)
            self._start_again(identity)
        else:
            identity.signing.next_length = given.get("NextSigningKeyLength", identity.signing.next_length)
        return {"DkimStatus": identity.signing.status, "DkimTokens": identity.signing.tokens}

    def put_email_identity_feedback_attributes(
        self, *, email_identity: str, email_forwarding_enabled: bool = False
    ) -> dict[str, Any]:
        self.identity_of(email_identity).forwards_feedback = email_forwarding_enabled
        return {}

    def put_email_identity_mail_from_attributes(
        self, *, email_identity: str, mail_from_domain: str = "", behavior_on_mx_failure: str = "USE_DEFAULT_VALUE"
    ) -> dict[str, Any]:
        identity = self.identity_of(email_identity)
        domain = mail_from_domain.lower()
        if domain and (domain == identity.domain or not is_within(domain, identity.domain)):
            raise BadRequestError(
                f"Provided MAIL-FROM domain <{domain}> is not subdomain of the domain of the identity "
                f"<{identity.name}>."
            )
        former = identity.mail_from
        status = former.status if former and former.domain == domain else "PENDING"
        identity.mail_from = MailFrom(domain, behavior_on_mx_failure, status) if domain else None
        if domain and status == "PENDING":
            self._keep_looking(identity)
        return {}

    def create_email_identity_policy(self, *, email_identity: str, policy_name: str, policy: str) -> dict[str, Any]:
        policies = self.identity_of(email_identity).policies
        if policy_name in policies:
            raise AlreadyExistsError(f"Policy {policy_name} already exists for identity {email_identity}.")
        policies[policy_name] = policy
        return {}

    def update_email_identity_policy(self, *, email_identity: str, policy_name: str, policy: str) -> dict[str, Any]:
        policies = self.identity_of(email_identity).policies
        if policy_name not in policies:
            raise NotFoundError(f"Policy {policy_name} does not exist for identity {email_identity}.")
        policies[policy_name] = policy
        return {}

    def get_email_identity_policies(self, *, email_identity: str) -> dict[str, Any]:
        return {"Policies": dict(self.identity_of(email_identity).policies)}

    def delete_email_identity_policy(self, *, email_identity: str, policy_name: str) -> dict[str, Any]:
        self.identity_of(email_identity).policies.pop(policy_name, None)
        return {}

    def identity_of(self, name: str) -> EmailIdentity:
        """The identity of a name; SES's refusal where there is none."""
        found = self.identities.get(fold(name))
        if found is None:
            raise NotFoundError(f"Email identity {name} does not exist.")
        return found

    def ask(self, identity: EmailIdentity) -> None:
        """Mail the owner of an address a link that verifies it, for the first time or again."""
        addresses.ask(
            self.sandbox,
            self.region_name,
            identity,
            self.hex(40),
            lambda: self.identities.get(identity.name) is identity,
        )

    def describe_identity(self, identity: EmailIdentity) -> dict[str, Any]:
        """What GetEmailIdentity answers."""
        described: dict[str, Any] = {
            "IdentityType": "EMAIL_ADDRESS" if identity.is_address else "DOMAIN",
            "FeedbackForwardingStatus": identity.forwards_feedback,
            "VerifiedForSendingStatus": identity.is_verified,
            "VerificationStatus": identity.status,
            "VerificationInfo": _verification(identity),
            "DkimAttributes": _dkim(identity),
            "MailFromAttributes": _mail_from(identity),
            "Policies": dict(identity.policies),
            "Tags": list(identity.tags),
        }
        if identity.configuration_set:
            described["ConfigurationSetName"] = identity.configuration_set
        return described

    def _signing(self, given: dict[str, str] | None) -> Signing:
        attributes = given or {}
        if attributes.get("DomainSigningSelector"):
            key = attributes.get("DomainSigningPrivateKey", "")
            return Signing(
                [attributes["DomainSigningSelector"]],
                origin="EXTERNAL",
                selector=attributes["DomainSigningSelector"],
                public_key=public_key_of(key),
                generated=self.now(),
            )
        tokens = [self.hex(32) for _ in range(3)]
        length = attributes.get("NextSigningKeyLength", "RSA_2048_BIT")
        return Signing(tokens, next_length=length, generated=self.now())

    def _start_again(self, identity: EmailIdentity) -> None:
        identity.created, identity.missing_since = self.now(), None
        identity.signing.status = identity.status = "PENDING"
        self._keep_looking(identity)

    def _keep_looking(self, identity: EmailIdentity) -> None:
        round_number = identity.looks = identity.looks + 1

        def again(delay: timedelta, action: Callable[[], object]) -> None:
            self.sandbox.clock.ticker.after(delay, action, f"SES looks for the records of {identity.name}")

        verification.keep_looking(
            identity,
            again,
            lambda: verification.look(
                identity, self.region_name, verification.public_records(self.account_id), self.now()
            ),
            lambda: self.identities.get(identity.name) is identity and identity.looks == round_number,
            self.now,
        )


def public_key_of(private_key: str) -> str:
    """The public half of a base64 RSA private key, base64, as DNS has it; SES's refusal of anything else.

    PKCS #1 or PKCS #8 of 1024 to 2048 bits, on one line without BEGIN and END.
    https://docs.aws.amazon.com/ses/latest/dg/send-email-authentication-dkim-bring-your-own.html
    """
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_der_private_key

    try:
        key = load_der_private_key(base64.b64decode(private_key, validate=True), None)
    except (binascii.Error, TypeError, ValueError, UnsupportedAlgorithm) as error:
        raise BadRequestError("The specified DKIM private key is not valid.") from error
    if not isinstance(key, RSAPrivateKey) or not MIN_OWN_KEY_BITS <= key.key_size <= MAX_OWN_KEY_BITS:
        raise BadRequestError("The specified DKIM private key is not valid.")
    encoded = key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return base64.b64encode(encoded).decode()


def _dkim(identity: EmailIdentity) -> dict[str, Any]:
    signing = identity.signing
    if identity.is_address:
        return {"SigningEnabled": False, "Status": "NOT_STARTED"}
    described = {
        "SigningEnabled": signing.is_enabled,
        "Status": signing.status,
        "Tokens": list(signing.tokens),
        "SigningAttributesOrigin": signing.origin,
        "LastKeyGenerationTimestamp": signing.generated,
    }
    if signing.origin != "EXTERNAL":
        described["NextSigningKeyLength"] = described["CurrentSigningKeyLength"] = signing.next_length
        described["SigningHostedZone"] = SIGNING_ZONE
    return described


def _mail_from(identity: EmailIdentity) -> dict[str, Any]:
    mail_from = identity.mail_from
    if mail_from is None:
        return {"BehaviorOnMxFailure": "USE_DEFAULT_VALUE"}
    return {
        "MailFromDomain": mail_from.domain,
        "MailFromDomainStatus": mail_from.status,
        "BehaviorOnMxFailure": mail_from.behavior,
    }


def _verification(identity: EmailIdentity) -> dict[str, Any]:
    times = {"LastCheckedTimestamp": identity.last_checked, "LastSuccessTimestamp": identity.last_success}
    return {name: value for name, value in times.items() if value}


def _listed(identity: EmailIdentity) -> dict[str, Any]:
    return {
        "IdentityType": "EMAIL_ADDRESS" if identity.is_address else "DOMAIN",
        "IdentityName": identity.name,
        "SendingEnabled": identity.is_verified,
        "VerificationStatus": identity.status,
    }
