import pytest
from botocore.exceptions import ClientError, EndpointConnectionError, NoCredentialsError

from baseops.aws.errors import settled, translated
from baseops.errors import AccessError, AwsError, NotFoundError, ThrottledError


def client_error(code, message="no", operation="DescribeStacks"):
    return ClientError({"Error": {"Code": code, "Message": message}}, operation)


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("AccessDenied", AccessError),
        ("AccessDeniedException", AccessError),
        ("UnauthorizedOperation", AccessError),
        ("ExpiredToken", AccessError),
        ("InvalidClientTokenId", AccessError),
        ("ThrottlingException", ThrottledError),
        ("RequestLimitExceeded", ThrottledError),
        ("ResourceNotFoundException", NotFoundError),
        ("NoSuchBucket", NotFoundError),
        ("ValidationError", AwsError),
    ],
)
def test_aws_codes_become_our_errors(code, expected):
    with pytest.raises(expected) as caught, translated("cannot read the stack x"):
        raise client_error(code)
    assert caught.value.what == "cannot read the stack x"
    assert code in caught.value.why
    assert isinstance(caught.value.__cause__, ClientError)


def test_the_missing_permission_is_named():
    message = "User: arn:aws:sts::1:assumed-role/x/y is not authorized to perform: logs:CreateLogGroup on resource: *"
    with pytest.raises(AccessError) as caught, translated("cannot make the group"):
        raise client_error("AccessDeniedException", message)
    assert caught.value.remedy == "Allow logs:CreateLogGroup to the caller."


def test_without_credentials_the_remedy_says_how_to_log_in():
    with pytest.raises(AccessError, match="aws sso login"), translated("cannot list"):
        raise NoCredentialsError


def test_a_network_error_is_an_error_of_aws():
    with pytest.raises(AwsError, match="Could not connect"), translated("cannot list"):
        raise EndpointConnectionError(endpoint_url="http://127.0.0.1:1")


def test_an_endpoint_that_does_not_answer_has_a_remedy_of_its_own():
    with pytest.raises(AwsError) as caught, translated("cannot find snap-1", "Name the right region."):
        raise EndpointConnectionError(endpoint_url="http://127.0.0.1:1")
    assert caught.value.remedy == "Check the network and --endpoint-url."


def test_not_found_is_also_a_lookup_error():
    with pytest.raises(LookupError), translated("cannot read"):
        raise client_error("NoSuchKey")


def test_what_is_so_already_is_no_error():
    with settled("ResourceAlreadyExistsException"), translated("cannot make the stream"):
        raise client_error("ResourceAlreadyExistsException")


def test_another_error_is_one_all_the_same():
    with (
        pytest.raises(NotFoundError),
        settled("ResourceAlreadyExistsException"),
        translated("cannot make the stream"),
    ):
        raise client_error("ResourceNotFoundException")
