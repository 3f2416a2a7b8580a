"""Imports over the real server: what a person sees and does, on both stores."""

from __future__ import annotations

from cine.ratings.v1 import diary_pb2, transfers_pb2 as pb
from cinemesh.errors import Code, Reason

from .conftest import ADA, BOB, Mesh, refused

RATINGS = """Date,Name,Year,Letterboxd URI,Rating
2024-01-05,The Matrix,1999,https://boxd.it/2a,4.5
2024-01-06,Amelie,2001,https://boxd.it/2b,5
2024-01-07,Home,2016,https://boxd.it/2c,3
2024-01-08,Something Nobody Filmed,2012,https://boxd.it/2d,2
2024-01-09,Rocky 2,1980,https://boxd.it/2e,3.5
2024-01-10,Wall-E,2008,https://boxd.it/2f,7
"""


async def test_a_file_is_matched_confirmed_and_undone(any_mesh: Mesh) -> None:
    mesh = any_mesh
    await mesh.rate(3, 2.0, plot=1.5)
    made = await mesh.upload(RATINGS, "ratings.csv")
    assert (made.state, made.source, made.file_name, made.rows_total) == ("ready", "letterboxd", "ratings.csv", 6)
    counts = (made.rows_matched, made.rows_ambiguous, made.rows_unknown, made.rows_invalid, made.rows_unchanged)
    assert counts == (4, 0, 1, 1, 0)
    rows = await mesh.rows(made.import_id, size=4)
    assert [row.movie_id for row in rows] == [1, 3, 5, 0, 8, 0]
    assert rows[5].problem == "Rating is not a rating of 0 to 5 in halves"
    assert await mesh.rated() == {3: 2.0}  # nothing changes before it is confirmed
    failure = await refused(mesh.confirm(made.import_id, skip=False))
    assert failure.code is Code.FAILED_PRECONDITION and "1 unknown" in failure.message
    done = await mesh.confirm(made.import_id)
    assert (done.state, done.rows_applied) == ("done", 4)
    assert await mesh.rated() == {1: 4.5, 3: 5.0, 5: 3.0, 8: 3.5}
    assert all(row.applied for row in await mesh.rows(made.import_id, "matched"))
    undone = await mesh.rollback(made.import_id)
    assert (undone.state, undone.rows_applied) == ("rolled_back", 0)
    assert await mesh.rated() == {3: 2.0}
