"""What every adapter of the Documents port does. An adapter's test derives from DocumentsSuite.

It gives the fixture `documents`, an empty store.
"""

import asyncio
from collections.abc import Callable

import pytest
from pydantic import BaseModel

from gateway.documents import Collection, Documents
from services.common.errors import DocumentExists, LipstageError, ObjectMissing, StaleRecord

NAME = "notes/account/one"


class Tally(BaseModel):
    counted: tuple[int, ...] = ()


class DocumentsSuite:
    async def test_a_document_comes_back_as_it_was_created(self, documents: Documents) -> None:
        value = bytes(range(256))

        revision = await documents.create(NAME, value)

        assert await documents.get(NAME) == (value, revision)

    async def test_an_empty_document_is_one(self, documents: Documents) -> None:
        revision = await documents.create(NAME, b"")

        assert await documents.get(NAME) == (b"", revision)

    async def test_a_document_is_created_once(self, documents: Documents) -> None:
        revision = await documents.create(NAME, b"first")

        with pytest.raises(DocumentExists):
            await documents.create(NAME, b"second")

        assert await documents.get(NAME) == (b"first", revision)

    async def test_an_unknown_document_is_missing(self, documents: Documents) -> None:
        await documents.create("notes/account/another", b"")

        with pytest.raises(ObjectMissing):
            await documents.get(NAME)
        with pytest.raises(ObjectMissing):
            await documents.get("notes/account")

    @pytest.mark.parametrize("name", ["notes/account/*", "notes/>", "notes/account/.", "notes//one", "", "no tes", "ö"])
    async def test_a_name_that_is_none_finds_nothing(self, documents: Documents, name: str) -> None:
        revision = await documents.create(NAME, b"value")

        with pytest.raises(ObjectMissing):
            await documents.get(name)
        with pytest.raises(LipstageError):
            await documents.update(name, b"changed", revision)
        await documents.delete(name)

        assert await documents.names(f"{name}/") == []
        assert await documents.get(NAME) == (b"value", revision)

    async def test_an_update_is_seen_under_the_revision_it_returned(self, documents: Documents) -> None:
        first = await documents.create(NAME, b"one")

        second = await documents.update(NAME, b"two", first)
        third = await documents.update(NAME, b"three", second)

        assert await documents.get(NAME) == (b"three", third)
        assert len({first, second, third}) == 3

    async def test_who_comes_second_is_refused_and_changes_nothing(self, documents: Documents) -> None:
        first = await documents.create(NAME, b"one")
        second = await documents.update(NAME, b"two", first)

        with pytest.raises(StaleRecord):
            await documents.update(NAME, b"late", first)

        assert await documents.get(NAME) == (b"two", second)

    async def test_a_deleted_document_is_missing_and_not_listed(self, documents: Documents) -> None:
        revision = await documents.create(NAME, b"value")
        await documents.create("notes/account/two", b"kept")

        await documents.delete(NAME)
        await documents.delete(NAME)

        with pytest.raises(ObjectMissing):
            await documents.get(NAME)
        with pytest.raises((StaleRecord, ObjectMissing)):
            await documents.update(NAME, b"late", revision)
        assert await documents.names("notes/") == ["notes/account/two"]

    async def test_a_name_is_free_after_deletion_and_old_revisions_stay_old(self, documents: Documents) -> None:
        old = await documents.create(NAME, b"old")
        await documents.delete(NAME)

        new = await documents.create(NAME, b"new")

        with pytest.raises(StaleRecord):
            await documents.update(NAME, b"late", old)
        assert await documents.get(NAME) == (b"new", new)

    async def test_names_below_a_folder_are_in_ascending_order(self, documents: Documents) -> None:
        below = ["notes/a/2", "notes/a-b/1", "notes/a/1", "notes/a/1/deep", "notes/B/1"]
        for name in (*below, "notes_/1", "note/1", "other/notes/1"):
            await documents.create(name, b"")

        assert await documents.names("notes/") == sorted(below)
        assert await documents.names("notes/a/") == ["notes/a/1", "notes/a/1/deep", "notes/a/2"]
        assert await documents.names("notes/a/1/") == ["notes/a/1/deep"]

    async def test_an_updated_document_is_listed_once(self, documents: Documents) -> None:
        await documents.update(NAME, b"two", await documents.create(NAME, b"one"))

        assert await documents.names("notes/") == [NAME]

    async def test_of_many_creators_at_once_one_wins(self, documents: Documents) -> None:
        values = [b"%d" % writer for writer in range(16)]

        answers = await asyncio.gather(*(documents.create(NAME, value) for value in values), return_exceptions=True)

        refused = [isinstance(answer, DocumentExists) for answer in answers]
        assert refused.count(False) == 1
        winner = refused.index(False)
        assert await documents.get(NAME) == (values[winner], answers[winner])

    async def test_of_many_writers_at_once_one_wins(self, documents: Documents) -> None:
        revision = await documents.create(NAME, b"")
        values = [b"%d" % writer for writer in range(16)]

        answers = await asyncio.gather(
            *(documents.update(NAME, value, revision) for value in values), return_exceptions=True
        )

        refused = [isinstance(answer, StaleRecord) for answer in answers]
        assert refused.count(False) == 1
        winner = refused.index(False)
        assert await documents.get(NAME) == (values[winner], answers[winner])

    async def test_changes_at_once_lose_nothing(self, documents: Documents) -> None:
        tallies = Collection(documents, "tallies", Tally)
        await tallies.create("one", Tally())

        await asyncio.gather(*(tallies.change("one", counting(number)) for number in range(16)))

        assert sorted((await tallies.get("one")).counted) == list(range(16))


def counting(number: int) -> Callable[[Tally], Tally]:
    return lambda tally: Tally(counted=(*tally.counted, number))
