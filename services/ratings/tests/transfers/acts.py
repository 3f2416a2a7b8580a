"""What tests of imports do over and over: a file, what stands afterwards, a row resolved."""

from __future__ import annotations

from typing import Any

from cine.ratings.v1 import diary_pb2, reviews_pb2
from cine.ratings.v1 import transfers_pb2 as pb

from .conftest import ADA, Mesh

RATINGS = """Date,Name,Year,Letterboxd URI,Rating
2024-01-05,The Matrix,1999,https://boxd.it/2a,4.5
2024-01-06,Amelie,2001,https://boxd.it/2b,5
2024-01-07,Home,2016,https://boxd.it/2c,3
2024-01-08,Something Nobody Filmed,2012,https://boxd.it/2d,2
2024-01-09,Rocky 2,1980,https://boxd.it/2e,3.5
2024-01-10,Wall-E,2008,https://boxd.it/2f,7
"""
HEADER = "Date,Name,Year,Letterboxd URI,Rating\n"
DIARY = "Date,Name,Year,Letterboxd URI,Rating,Rewatch,Tags,Watched Date\n"


async def entries(mesh: Mesh, who: str = ADA) -> list[tuple[int, str, bool, list[str]]]:
    request = diary_pb2.ListDiaryEntriesRequest(page_size=100)
    answer = await mesh.diary.ListDiaryEntries(request, metadata=mesh.by(who))
    return sorted((one.movie_id, one.watched_on, one.rewatch, list(one.tags)) for one in answer.entries)


async def written(mesh: Mesh, who: str = ADA) -> dict[int, str]:
    answer = await mesh.reviews.ListMyReviews(reviews_pb2.ListMyReviewsRequest(), metadata=mesh.by(who))
    return {review.movie_id: review.body_markdown for review in answer.reviews}


async def resolve(mesh: Mesh, import_id: str, number: int, movie_id: int, who: str = ADA) -> Any:
    request = pb.ResolveImportRowRequest(import_id=import_id, row_number=number, movie_id=movie_id)
    return (await mesh.transfers.ResolveImportRow(request, metadata=mesh.by(who))).row


async def get(mesh: Mesh, import_id: str, who: str = ADA) -> Any:
    return await mesh.transfers.GetImport(pb.GetImportRequest(import_id=import_id), metadata=mesh.by(who))
