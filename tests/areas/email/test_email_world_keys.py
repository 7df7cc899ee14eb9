"""The key of an owner in the world of email belongs, for all that can be seen of it, to the declared public key."""

import pytest

from baseops.areas.email.world_keys import private_key_for
from baseops.sandbox.services.sesv2.errors import BadRequestError
from baseops.sandbox.services.sesv2.identities import public_key_of

PUBLIC = (
    "MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQDEZHnxzKiwBmJA+GBRuq4BIrhEpyoauhZTwQCoBVAwR8RhKpGd0tTQboxwfkzfvTzaswUr3T2/"
    "aS4s8Ro7BvdScAtkpWi0yq1h0WHkANJWTQdwTfBB4XMyk37Hseex5tE+plbnqX2PSUAp2rZiN+cFutBlJGctsHSbJ2njEFLDiQIDAQAB"
)


def test_ses_derives_the_declared_public_key_from_it():
    assert public_key_of(private_key_for(PUBLIC)) == PUBLIC


def test_ses_still_refuses_what_is_no_key():
    with pytest.raises(BadRequestError, match="private key is not valid"):
        public_key_of("bm8ga2V5")
