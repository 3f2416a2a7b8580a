"""Files as people have them, in the forms that the places really write."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Mapping

LETTERBOXD: Mapping[str, str] = {
    "ratings.csv": """Date,Name,Year,Letterboxd URI,Rating
2023-05-01,The Matrix,1999,https://boxd.it/2a9q,4.5
2023-05-02,Amélie,2001,https://boxd.it/2b4e,5
""",
    "diary.csv": """Date,Name,Year,Letterboxd URI,Rating,Rewatch,Tags,Watched Date
2023-05-03,The Matrix,1999,https://boxd.it/3aaa,4.5,Yes,"Cinema, With Bob",2023-05-01
2023-05-04,Cléo from 5 to 7,1962,https://boxd.it/3bbb,,,,2023-04-30
""",
    "watched.csv": """Date,Name,Year,Letterboxd URI
2023-05-01,The Matrix,1999,https://boxd.it/2a9q
2020-01-02,Rocky II,1979,https://boxd.it/2c1a
""",
    "reviews.csv": """Date,Name,Year,Letterboxd URI,Rating,Rewatch,Review,Tags,Watched Date
2023-05-03,The Matrix,1999,https://boxd.it/3aaa,4.5,Yes,"There is <i>no</i> spoon.

<b>Really</b> & <a href=""https://example.org/x"">see</a>",Cinema,2023-05-01
""",
    "watchlist.csv": """Date,Name,Year,Letterboxd URI
2023-06-01,WALL·E,2008,https://boxd.it/4aaa
""",
    "lists/best-of.csv": """Letterboxd list export v7
Date,Name,Tags,URL,Description
2022-01-01,Best of 2022,,https://boxd.it/ab12,"All of them.
In order."

Position,Name,Year,URL,Description
1,The Matrix,1999,https://boxd.it/2a9q,again and again
2,"The Good, the Bad and the Ugly",1966,https://boxd.it/2f00,
""",
    "likes/films.csv": """Date,Name,Year,Letterboxd URI
2023-05-01,Amélie,2001,https://boxd.it/2b4e
""",
    "profile.csv": "Date Joined,Username\n2019-01-01,ada\n",
    "comments.csv": "Date,Content,Comment\n2023-05-01,https://boxd.it/1,Yes\n",
    "deleted/reviews.csv": "Date,Name,Year,Letterboxd URI,Rating,Rewatch,Review,Tags,Watched Date\n2020-01-01,Home,2015,x,1,,Bad,,\n",
    "orphaned/diary.csv": "Date,Name,Year,Letterboxd URI,Rating,Rewatch,Tags,Watched Date\n2020-01-01,Home,2015,x,1,,,2020-01-01\n",
}

IMDB_HEADER_2024 = (
    "Const,Your Rating,Date Rated,Title,Original Title,URL,Title Type,IMDb Rating,Runtime (mins),Year,Genres,Num Votes,"
    "Release Date,Directors\n"
)
IMDB_RATINGS_2024 = IMDB_HEADER_2024 + (
    'tt0133093,9,2023-05-01,The Matrix,The Matrix,https://www.imdb.com/title/tt0133093,Movie,8.7,136,1999,"Action, Sci-Fi",'
    '2100000,1999-03-31,"Lana Wachowski, Lilly Wachowski"\n'
    "tt0903747,10,2023-05-02,Breaking Bad,Breaking Bad,https://www.imdb.com/title/tt0903747,TV Series,9.5,45,2008,Drama,"
    "2300000,2008-01-20,\n"
    "tt9999999,1,2023-05-03,Le fabuleux destin d'Amélie Poulain,,https://www.imdb.com/title/tt9999999,Movie,8.3,122,2001,"
    "Comedy,800000,2001-04-25,Jean-Pierre Jeunet\n"
)
IMDB_RATINGS_2019 = (
    "Const,Your Rating,Date Rated,Title,URL,Title Type,IMDb Rating,Runtime (mins),Year,Genres,Num Votes,Release Date,Directors\n"
    "tt0114369,8,2019-11-30,Se7en,https://www.imdb.com/title/tt0114369/,movie,8.6,127,1995,Crime,1500000,1995-09-15,David Fincher\n"
)
IMDB_RATINGS_2015 = (
    '"position","const","created","modified","description","Title","Title type","Directors","You rated","IMDb Rating",'
    '"Runtime (mins)","Year","Genres","Num. Votes","Release Date (month/day/year)","URL"\n'
    '"1","tt0055852","Sat Jan  4 00:00:00 2014","","","Cl\xe9o de 5 \xe0 7","Feature Film","Agn\xe8s Varda","7","8.0","90",'
    '"1962","drama","13000","1962-04-11","http://www.imdb.com/title/tt0055852/"\n'
)
IMDB_WATCHLIST = (
    "Position,Const,Created,Modified,Description,Title,Original Title,URL,Title Type,IMDb Rating,Runtime (mins),Year,Genres,"
    "Num Votes,Release Date,Directors,Your Rating,Date Rated\n"
    "1,tt0234215,2024-02-03,2024-02-03,with Bob,The Matrix Reloaded,The Matrix Reloaded,https://www.imdb.com/title/tt0234215/,"
    "Movie,7.2,138,2003,Action,600000,2003-05-15,,,\n"
)


def trakt_movie(title: str, year: int, **ids: object) -> dict[str, object]:
    return {"title": title, "year": year, "ids": {"trakt": 1, "slug": "x", **ids}}


MATRIX = trakt_movie("The Matrix", 1999, imdb="tt0133093", tmdb=603)
TRAKT: Mapping[str, object] = {
    "ratings-movies.json": [
        {"rated_at": "2021-03-04T20:15:00.000Z", "rating": 9, "type": "movie", "movie": MATRIX},
    ],
    "watched-history-1.json": [
        {"id": 7, "watched_at": "2021-03-04T20:15:00.000Z", "action": "watch", "type": "movie", "movie": MATRIX},
        {
            "id": 8,
            "watched_at": "2021-03-05T20:15:00.000Z",
            "action": "scrobble",
            "type": "episode",
            "episode": {"title": "Pilot", "season": 1, "number": 1},
            "show": {"title": "Home", "year": 2015},
        },
    ],
    "watched-movies.json": [
        {"plays": 1, "last_watched_at": "2021-03-04T20:15:00.000Z", "movie": MATRIX},
    ],
    "lists-watchlist.json": [
        {
            "rank": 1,
            "listed_at": "2021-01-01T00:00:00.000Z",
            "notes": None,
            "type": "movie",
            "movie": trakt_movie("WALL·E", 2008),
        },
    ],
    "lists-list-42-best-of.json": [
        {"rank": 1, "listed_at": "2021-01-02T00:00:00.000Z", "notes": "ha", "type": "movie", "movie": MATRIX},
    ],
    "user-profile.json": {"username": "ada"},
}


def zipped(files: Mapping[str, str | bytes], folder: str = "") -> bytes:
    """Returns a ZIP of files."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(folder + name, content)
    return packed.getvalue()


def trakt_zip() -> bytes:
    """Returns a backup of Trakt's."""
    return zipped({name: json.dumps(document) for name, document in TRAKT.items()})
