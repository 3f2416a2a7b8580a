"""Passwords by themselves: which are taken, how they are hashed, and the one thread that hashes."""

from __future__ import annotations

import asyncio
import os
import threading
import time
from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from zxcvbn.frequency_lists import FREQUENCY_LISTS

from cine_identity.domain.backoff import ACCOUNT, ADDRESS, LONGEST_WAIT
from cine_identity.domain.hash_pool import HashPool
from cine_identity.domain.hashing import ARGON2_TAG, BCRYPT_TAG, Hasher
from cine_identity.domain.passwords import require_strong, weakness, words_of
from cinemesh.errors import InvalidArgument, Reason, ResourceExhausted

PEPPER = b"p" * 32
PERSON = words_of("alexander-k", "alexander.kim@gmail.com", "Alexander Kim")
BCRYPT, ARGON2 = Hasher(PEPPER, "bcrypt", 4), Hasher(PEPPER, "argon2id")


@pytest.mark.parametrize("hasher", [BCRYPT, ARGON2], ids=["bcrypt", "argon2id"])
class TestHashing:
    def test_64_four_byte_characters_and_the_last_byte_matters(self, hasher: Hasher) -> None:
        password = "\U0001f3ac" * 64
        tagged = hasher.hash(password)
        assert weakness(password) == ""
        assert hasher.verify(password, tagged)
        assert not hasher.verify(password[:-1] + "\U0001f3ad", tagged)  # F0 9F 8E AC against F0 9F 8E AD
        assert not hasher.verify(password[:-1], tagged)

    def test_an_embedded_nul_is_significant(self, hasher: Hasher) -> None:
        tagged = hasher.hash("meadow\x00quiet")
        assert hasher.verify("meadow\x00quiet", tagged)
        assert not hasher.verify("meadow\x00quick", tagged)
        assert not hasher.verify("meadow", tagged)

    def test_one_form_of_a_letter_but_no_letters_that_only_look_alike(self, hasher: Hasher) -> None:
        tagged = hasher.hash("caf\u00e9 au lait")
        assert hasher.verify("cafe\u0301 au lait", tagged)
        assert not hasher.verify("cafe au lait", tagged)
        assert not hasher.verify("\u2460234567890", hasher.hash("1234567890"))

    def test_the_pepper_is_needed(self, hasher: Hasher) -> None:
        tagged = hasher.hash("seven quiet meadows")
        for other in (Hasher(b"q" * 32, "bcrypt", 4), Hasher(b"q" * 32, "argon2id")):
            assert not other.verify("seven quiet meadows", tagged)

    def test_the_decoy_takes_as_long_and_opens_nothing(self, hasher: Hasher) -> None:
        assert not hasher.verify("seven quiet meadows", hasher.decoy)
        assert not hasher.verify("seven quiet meadows", None)
        assert not hasher.outdated(hasher.decoy)  # made as new hashes are

    @pytest.mark.parametrize("damaged", ["", "$cine-b1$", "$cine-a1$", "$cine-b1$$2b$99$x", "$cine-z9$x", "plain"])
    def test_a_damaged_hash_opens_nothing(self, hasher: Hasher, damaged: str) -> None:
        assert not hasher.verify("seven quiet meadows", damaged)
        assert hasher.outdated(damaged)


def test_hashes_say_how_they_were_made_and_when_that_is_outdated() -> None:
    old, strong, modern = BCRYPT.hash("x"), Hasher(PEPPER, "bcrypt", 5), ARGON2.hash("x")
    assert old.startswith(BCRYPT_TAG + "$2b$04$") and modern.startswith(ARGON2_TAG + "$argon2id$v=19$m=19456,t=2,p=1$")
    assert not BCRYPT.outdated(old) and not ARGON2.outdated(modern)
    assert strong.outdated(old) and ARGON2.outdated(old) and BCRYPT.outdated(modern)
    assert ARGON2.verify("x", old) and BCRYPT.verify("x", modern)  # either way still opens


@settings(max_examples=60, deadline=None)
@given(st.text(min_size=1, max_size=80), st.data())
def test_any_change_of_any_character_makes_another_password(password: str, data: st.DataObject) -> None:
    import unicodedata

    at = data.draw(st.integers(0, len(password) - 1))
    changed = password[:at] + data.draw(st.characters()) + password[at + 1 :]
    same = unicodedata.normalize("NFC", password) == unicodedata.normalize("NFC", changed)
    assert BCRYPT.verify(changed, BCRYPT.hash(password)) == same


class TestRules:
    def test_the_commonest_passwords_are_refused(self) -> None:
        common = [word for word in FREQUENCY_LISTS["passwords"] if len(word) >= 8][:3000]
        assert len(common) == 3000
        assert [word for word in common if not weakness(word)] == []

    @pytest.mark.parametrize(
        "password", ["Password", "P@ssw0rd", "Passw0rd!2026", "drowssap", "password" * 9, "aaaaaaaaaaaa", "abcdefgh"]
    )
    def test_simple_variations_of_common_ones_are_refused(self, password: str) -> None:
        assert weakness(password)

    @pytest.mark.parametrize(
        "password",
        [
            "Alexander1990!",
            "alexander-k",
            "4lex4nder!!",
            "rednaxela99",
            "alexander.kim@gmail.com",
            "KimKimKim1",
            "gmail1234",
            "CineAesthete",
            "cineaesthete2026",
        ],
    )
    def test_own_name_address_and_product_are_refused_also_varied(self, password: str) -> None:
        assert weakness(password, PERSON)
        with pytest.raises(InvalidArgument) as caught:
            require_strong(password, "new_password", PERSON)
        assert caught.value.reason is Reason.PASSWORD_WEAK
        assert [field for field, _ in caught.value.violations] == ["new_password"]
        assert password not in str(caught.value)

    @pytest.mark.parametrize(
        "password",
        [
            "correct horse battery staple",
            "sunny-meadow-42",
            "Tester-Pass-2026!",
            "alexander likes trains",
            "\U0001f600" * 64,
            "x\x00" + "quietly-there",
            "z" + "é" * 255,
        ],
    )
    def test_no_rules_of_composition(self, password: str) -> None:
        assert weakness(password, PERSON) == ""

    @pytest.mark.parametrize("password", ["", "seven77", "e\u0301" * 7, "zq" + "é" * 255])
    def test_length_counts_characters_as_people_see_them(self, password: str) -> None:
        assert "characters" in weakness(password)

    @settings(max_examples=80, deadline=None)
    @given(st.text(max_size=300), st.lists(st.text(max_size=40), max_size=4))
    def test_says_something_about_every_text(self, password: str, words: list[str]) -> None:
        weakness(password, tuple(words))


@given(st.integers(0, 10**9))
def test_waits_grow_and_end_at_a_quarter_of_an_hour(failures: int) -> None:
    for rule in (ACCOUNT, ADDRESS):
        wait = rule.wait(failures)
        assert wait <= rule.wait(failures + 1) <= LONGEST_WAIT
        assert (wait.total_seconds() > 0) == (failures >= rule.free)


def test_the_fifth_failure_is_the_first_that_waits() -> None:
    waits = [ACCOUNT.wait(count).total_seconds() for count in range(4, 15)]
    assert waits == [0, 5, 10, 20, 40, 80, 160, 320, 640, 900, 900]


class TestHashPool:
    @pytest.fixture
    def pool(self) -> Iterator[HashPool]:
        pool = HashPool(2)
        yield pool
        pool.close()

    async def test_one_at_a_time_and_off_the_loop_with_low_priority(self, pool: HashPool) -> None:
        busy = 0

        def work() -> tuple[int, int]:
            nonlocal busy
            busy += 1
            at_once = busy
            time.sleep(0.02)
            busy -= 1
            return at_once, os.getpriority(os.PRIO_PROCESS, threading.get_native_id())

        async def one() -> tuple[int, int]:
            async with pool.place() as place:
                return await place.run(work)

        results = await asyncio.gather(*(one() for _ in range(3)))
        assert [at_once for at_once, _ in results] == [1, 1, 1]
        mine = os.getpriority(os.PRIO_PROCESS, threading.get_native_id())
        assert {priority for _, priority in results} == {max(10, mine)} and mine != 10

    async def test_beyond_the_queue_it_refuses_at_once(self, pool: HashPool) -> None:
        release = threading.Event()

        async def one() -> None:
            async with pool.place() as place:
                await place.run(release.wait)

        waiting = [asyncio.create_task(one()) for _ in range(3)]
        await asyncio.sleep(0.05)
        began = time.perf_counter()
        with pytest.raises(ResourceExhausted) as caught:
            await one()
        assert time.perf_counter() - began < 0.05
        assert caught.value.reason is Reason.OVERLOADED and (caught.value.retry_after or 0) >= 1
        release.set()
        await asyncio.gather(*waiting)
        assert pool.taken == 0
        async with pool.place():
            assert pool.taken == 1

    async def test_who_goes_away_leaves_no_place_taken_and_starts_no_work(self, pool: HashPool) -> None:
        release, started = threading.Event(), []

        async def one(number: int) -> None:
            async with pool.place() as place:
                await place.run(lambda: (started.append(number), release.wait()))

        tasks = [asyncio.create_task(one(number)) for number in range(3)]
        await asyncio.sleep(0.05)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        assert pool.taken == 1  # the thread is still busy with the first
        release.set()
        for _ in range(200):
            if pool.taken:
                await asyncio.sleep(0.01)
        assert pool.taken == 0
        assert started == [0]
