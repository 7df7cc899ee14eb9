"""Identities and configuration sets as resources: how mail is signed, bounced, suppressed and encrypted on its way."""

from __future__ import annotations

from typing import Any

from troposphere import Ref, ses

from baseops.areas.email.identities import DEFAULT, Identity, Stream
from baseops.cloudformation.builder import StackBuilder

# Any: troposphere takes a text or a helper such as Ref for every property.

# Somebody may have made it before us, and CloudFormation takes over only what it would keep; the DKIM tokens that are
# in DNS outlive the stack with it. https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/import-resources-automatically.html
_KEEP = {"DeletionPolicy": "RetainExceptOnCreate", "UpdateReplacePolicy": "Retain"}
ON_MX_FAILURE = {"use-default": "USE_DEFAULT_VALUE", "reject": "REJECT_MESSAGE"}
HTTPS_POLICIES = {"require": "REQUIRE", "require-open-only": "REQUIRE_OPEN_ONLY", "optional": "OPTIONAL"}
"""The declaration's words and SES's, as those of `ON_MX_FAILURE`."""


def identity_title(identity: Identity) -> str:
    """The logical id of an identity."""
    return identity.logical_id("Identity")


def set_title(stream: Stream) -> str:
    """The logical id of a configuration set."""
    return stream.logical_id("ConfigurationSet")


def add_identity(stack: StackBuilder, identity: Identity, default: Stream) -> ses.EmailIdentity:
    """The identity; mail that names no configuration set goes through `default`."""
    properties: dict[str, Any] = {
        **_KEEP,
        "EmailIdentity": identity.name,
        "ConfigurationSetAttributes": ses.ConfigurationSetAttributes(ConfigurationSetName=Ref(set_title(default))),
    }
    if not identity.is_address:
        properties |= _domain_properties(identity)
    if identity.entry.feedback_forwarding is not None:
        properties["FeedbackAttributes"] = ses.FeedbackAttributes(
            EmailForwardingEnabled=identity.entry.feedback_forwarding
        )
    return stack.add(ses.EmailIdentity(identity_title(identity), **properties))


def add_configuration_set(stack: StackBuilder, stream: Stream) -> ses.ConfigurationSet:
    """The configuration set. Suppression is left out to inherit the account's, and an empty list turns it off.

    One whose name is declared may exist already; an identity whose default one is gone cannot send. Both are kept.
    https://docs.aws.amazon.com/ses/latest/dg/managing-configuration-sets.html
    """
    settings = stream.settings
    properties: dict[str, Any] = {
        **(_KEEP if settings.name or stream.key == DEFAULT else {}),
        "Name": stream.name,
        "DeliveryOptions": _delivery(stream),
        "ReputationOptions": ses.ReputationOptions(ReputationMetricsEnabled=settings.reputation_metrics),
        "SendingOptions": ses.SendingOptions(SendingEnabled=settings.sending),
    }
    if settings.suppression is not None:
        properties["SuppressionOptions"] = ses.SuppressionOptions(SuppressedReasons=list(settings.suppression))
    if settings.tracking:
        properties["TrackingOptions"] = ses.TrackingOptions(
            CustomRedirectDomain=settings.tracking.domain.lower(), HttpsPolicy=HTTPS_POLICIES[settings.tracking.https]
        )
    return stack.add(ses.ConfigurationSet(set_title(stream), **properties))


def _domain_properties(identity: Identity) -> dict[str, Any]:
    properties: dict[str, Any] = {
        "DkimAttributes": ses.DkimAttributes(SigningEnabled=True),
        "DkimSigningAttributes": _signing(identity),
    }
    declared = identity.entry.mail_from
    if declared:
        properties["MailFromAttributes"] = ses.MailFromAttributes(
            MailFromDomain=identity.mail_from, BehaviorOnMxFailure=ON_MX_FAILURE[declared.on_mx_failure]
        )
    return properties


def _signing(identity: Identity) -> ses.DkimSigningAttributes:
    own = identity.entry.dkim.own_key
    if not own:
        return ses.DkimSigningAttributes(NextSigningKeyLength=f"RSA_{identity.entry.dkim.key_length}_BIT")
    # A dynamic reference: CloudFormation reads the secret, the template never holds the key.
    # https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/dynamic-references-secretsmanager.html
    return ses.DkimSigningAttributes(
        DomainSigningSelector=own.selector,
        DomainSigningPrivateKey=f"{{{{resolve:secretsmanager:{own.private_key}:SecretString}}}}",
    )


def _delivery(stream: Stream) -> ses.DeliveryOptions:
    settings = stream.settings
    options: dict[str, Any] = {"TlsPolicy": settings.tls.upper()}
    if settings.dedicated_pool:
        options["SendingPoolName"] = settings.dedicated_pool
    if settings.max_delivery:
        options["MaxDeliverySeconds"] = int(settings.max_delivery.total_seconds())
    return ses.DeliveryOptions(**options)
