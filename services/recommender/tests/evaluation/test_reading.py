from __future__ import annotations

from pathlib import Path

import pytest

from cine_recommender.evaluation.reading import RatingsUnusable, read_log

MOVIES = """movieId,title,genres
10,Alien (1979),Horror|Sci-Fi
20,"Good, the Bad and the Ugly, The (1966)",Western
30,Something Without A Year,(no genres listed)
"""
RATINGS = """userId,movieId,rating,timestamp
7,30,4.0,200
7,10,5.0,100
3,20,0.5,150
7,20,3.5,200
"""


def folder(tmp_path: Path, ratings: str = RATINGS, movies: str = MOVIES, tags: str | None = None) -> Path:
    made = tmp_path / "some-log"
    made.mkdir()
    (made / "ratings.csv").write_text(ratings)
    (made / "movies.csv").write_text(movies)
    if tags is not None:
        (made / "tags.csv").write_text(tags)
    return made


def test_a_folder_is_read_by_person_and_time(tmp_path: Path) -> None:
    log = read_log(folder(tmp_path, tags='userId,movieId,tag,timestamp\n9,10,"in space, nobody hears",5\n'))
    assert log.name == "some-log"
    assert log.interactions.person_ids.tolist() == [3, 7]
    assert log.interactions.film_ids.tolist() == [10, 20, 30]
    assert log.interactions.people.tolist() == [0, 1, 1, 1]
    assert log.interactions.films.tolist() == [1, 0, 2, 1]  # 30 stands before 20 in the file, in the same second
    assert log.interactions.ratings.tolist() == [0.5, 5.0, 4.0, 3.5]
    assert log.films["year"].to_list() == [1979, 1966, 0]
    assert log.films["genres"].to_list() == [["Horror", "Sci-Fi"], ["Western"], []]
    assert log.tags.rows() == [(9, 10, "in space, nobody hears", 5)]


def test_a_folder_without_tags_has_none(tmp_path: Path) -> None:
    assert read_log(folder(tmp_path)).tags.is_empty()


@pytest.mark.parametrize(
    ("ratings", "message"),
    [
        (
            "userId,movieId,rating\n1,2,3\n",
            r"ratings\.csv: column 'timestamp' is missing; it has userId, movieId, rating",
        ),
        ("userId,movieId,rating,timestamp\n", "holds no rating"),
        (RATINGS + "8,10,four,9\n", "row 6, column 'rating': 'four' is not a number"),
        (RATINGS + "8,10,,9\n", "row 6, column 'rating': '' is not a number"),
        (RATINGS + "8,10,4.2,9\n", "row 6, column 'rating': 4.2 is not one of 0.5, 1, … 5"),
        (RATINGS + "8,10,nan,9\n", "row 6, column 'rating': nan is not one of"),
        (RATINGS + "8,10,0,9\n", "row 6, column 'rating': 0.0 is not one of"),
        (RATINGS + "8,99999999999,4,9\n", "row 6, column 'movieId': '99999999999' is not a number"),
        (RATINGS + "8,10,4,-1\n", "row 6, column 'timestamp': -1 lies before 1970"),
        (RATINGS + "7,10,4,900\n", "row 6, column 'movieId': 10 was rated before by this user"),
        (RATINGS + "7,10,4,900,8\n", "ratings.csv: "),
    ],
)
def test_a_bad_file_is_refused_by_row_and_column(tmp_path: Path, ratings: str, message: str) -> None:
    with pytest.raises(RatingsUnusable, match=message):
        read_log(folder(tmp_path, ratings=ratings))


def test_a_film_listed_twice_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RatingsUnusable, match=r"movies\.csv: row 5, column 'movieId': 10 is listed before"):
        read_log(folder(tmp_path, movies=MOVIES + "10,Aliens (1986),Action\n"))


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    made = folder(tmp_path)
    (made / "movies.csv").unlink()
    with pytest.raises(RatingsUnusable, match=r"movies\.csv"):
        read_log(made)
    with pytest.raises(RatingsUnusable, match=r"ratings\.csv"):
        read_log(tmp_path)


def test_a_binary_file_is_refused(tmp_path: Path) -> None:
    made = folder(tmp_path)
    (made / "ratings.csv").write_bytes(bytes(range(256)) * 4)
    with pytest.raises(RatingsUnusable, match=r"ratings\.csv"):
        read_log(made)
