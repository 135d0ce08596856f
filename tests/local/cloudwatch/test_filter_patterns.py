import pytest
from ministack.services import cloudwatch_logs

from emulator.cloudwatch.filter_patterns import by_terms

LINE = '{"level":"ERROR","message":"stream-error-reader failed","topic":"a \\"b\\""}'


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ("", True),
        ("ERROR", True),
        ("error", True),
        ("Error", False),
        ("ERROR failed", True),
        ("ERROR passed", False),
        ('"reader failed"', True),
        ('"failed reader"', False),
        ("ERROR -failed", False),
        ("ERROR -passed", True),
        ("?passed ?failed", True),
        ("?passed ?gone", False),
        (r'"a \\\"b"', True),
        ('{ $.level = "INFO" }', True),  # what ministack does with patterns over JSON stays as it is
    ],
)
def test_matches_terms_as_cloudwatch_does(pattern: str, expected: bool) -> None:
    assert by_terms(cloudwatch_logs._compile_filter_pattern)(pattern)(LINE) is expected


def test_finds_an_error_only_in_lines_that_say_it_as_written() -> None:
    matches = by_terms(cloudwatch_logs._compile_filter_pattern)
    assert not matches("ERROR")("AccessDenied: user/lean-ops-stream-error-reader")
    assert not matches('"topics late"')('{"TopicsLate":1}')
