"""Codes of authenticator apps and recovery codes, by themselves."""

from __future__ import annotations

import base64
import datetime as dt
from urllib.parse import parse_qs, unquote, urlsplit

import pyotp
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cine_identity.domain import recovery
from cine_identity.domain.totp import STEP_SECONDS, address, matching_step, new_secret

SECRET = base64.b32encode(b"12345678901234567890").decode()


def at(seconds: float) -> dt.datetime:
    return dt.datetime.fromtimestamp(seconds, dt.UTC)


@pytest.mark.parametrize(
    ("seconds", "code"),
    [(59, "287082"), (1111111109, "081804"), (1234567890, "005924"), (2000000000, "279037"), (20000000000, "353130")],
)
def test_codes_are_those_of_rfc_6238(seconds: int, code: str) -> None:
    assert matching_step(SECRET, code, at(seconds)) == seconds // STEP_SECONDS


@given(seconds=st.integers(10_000, 4_000_000_000), late=st.integers(-5, 5))
def test_one_step_late_counts_none_early_and_no_more(seconds: int, late: int) -> None:
    step = seconds // STEP_SECONDS
    code = pyotp.TOTP(SECRET).generate_otp(step)
    found = matching_step(SECRET, code, at(seconds + late * STEP_SECONDS))
    if late in (0, 1):
        # another step may show the same code by chance
        assert found is not None and pyotp.TOTP(SECRET).generate_otp(found) == code
    elif found is not None:
        assert found != step


def test_a_code_is_good_for_sixty_seconds_and_not_one_more() -> None:
    step = 3_000_000 // STEP_SECONDS
    code = pyotp.TOTP(SECRET).generate_otp(step)
    begins = step * STEP_SECONDS
    good = [late for late in range(-120, 121) if matching_step(SECRET, code, at(begins + late)) == step]
    assert good == list(range(60))


def test_a_spent_step_and_all_before_it_are_refused() -> None:
    now, step = at(3_000_000), 3_000_000 // STEP_SECONDS
    app = pyotp.TOTP(SECRET)
    assert matching_step(SECRET, app.generate_otp(step), now, step) is None
    assert matching_step(SECRET, app.generate_otp(step - 1), now, step) is None
    assert matching_step(SECRET, app.generate_otp(step), now, step - 1) == step
    assert matching_step(SECRET, app.generate_otp(step + 1), at(3_000_000 + STEP_SECONDS), step) == step + 1


@pytest.mark.parametrize("code", ["", "12345", "abcdef", "１２３４５６", "\x00" * 6, "1" * 1000])
def test_what_is_no_code_is_refused(code: str) -> None:
    assert matching_step(SECRET, code, at(1_000_000)) is None


def test_the_address_says_what_apps_read() -> None:
    secret = new_secret()
    assert len(base64.b32decode(secret)) == 20
    parts = urlsplit(address(secret, "Ada.L"))
    assert (parts.scheme, parts.netloc, unquote(parts.path)) == ("otpauth", "totp", "/CineAesthete:Ada.L")
    assert parse_qs(parts.query) == {"secret": [secret], "issuer": ["CineAesthete"]}


def test_recovery_codes_are_ten_different_ones_of_120_bits() -> None:
    codes = recovery.new_codes()
    assert len({recovery.plain(code) for code in codes}) == 10
    for code in codes:
        assert [len(part) for part in code.split("-")] == [4, 4, 4, 4, 4, 4]
        assert not set(recovery.plain(code)) & set("ilou")


@given(st.lists(st.sampled_from("0123456789abcdefghjkmnpqrstvwxyz"), min_size=16, max_size=16))
def test_a_recovery_code_reads_the_same_however_it_is_typed(letters: list[str]) -> None:
    plain = "".join(letters)
    typed = plain.upper().replace("0", "O").replace("1", "l")
    grouped = " - ".join(typed[at : at + 4] for at in range(0, 16, 4))
    assert recovery.plain(grouped) == recovery.plain(f"\t{typed} ") == plain
