"""Files of a content artifact: the one thing that training and serving agree on.

Films are rows, ordered by year then id, films without a year (0) first: a range of years is a range of rows.
"""

KIND = "content"
VERSION = 4
"""Raised whenever the meaning of a file changes; a model of another layout is refused."""

SENTENCE_ENCODER = "sentence_encoder"
"""Parameter of the manifest: version of the sentence encoder that films were embedded with, empty for none."""

NAMES = "names.json"  # genres, services, languages and their sizes, genre sets
MOVIE_IDS = "movie_ids.npy"  # int32 (films)
YEARS = "years.npy"  # int32 (films), 0 unknown, ascending
SCORES = "scores.npy"  # float32 (genres + 1, films), 0 to 1; last row: no genre asked for
SERVICE_ROWS = "service_rows.npy"  # int32: each service's rows, ascending, one service after the other
RANKINGS = "rankings.npy"  # int32 (genre sets, services + 1, depth), -1 pads
GENRE_ROWS = "genre_rows.npy"  # int32: the same for each genre
RUNTIMES = "runtimes.npy"  # int32 (films), minutes, 0 unknown
RATING_COUNTS = "rating_counts.npy"  # int32 (films)
MEAN_RATINGS = "mean_ratings.npy"  # float32 (films), 0 to 5, 0 for none
LANGUAGE_ROWS = "language_rows.npy"  # int32: the same for each language
TITLES = "titles.json"  # titles of the films, as people write them
PEOPLE = "people.json"  # directors and cast, sorted
PEOPLE_STARTS, PEOPLE_ROWS = "people_starts.npy", "people_rows.npy"  # int64 (people + 1), int32: the films of each
GROUPS = "groups.npy"  # int32 (2, films): director and series, -1 for none
CARDS = "cards.bin"  # serialized elements of MatchMoviesResponse without their score
SCORE_TAG_BYTES = 2  # what each chunk ends with
CARD_OFFSETS = "card_offsets.npy"  # int64 (films + 1)
DESCRIBED = "described.npy"  # int32: rows with a text
MEANING = "meaning.npy"  # float32 (described, dimensions)
SENTENCES = "sentences.npy"  # float16 (described, dimensions), rows of length 1; only where SENTENCE_ENCODER names one
SENTENCE_TEXTS = "sentence_texts.npy"  # uint8 (described, 16), digests of the texts embedded
BY_FILM, BY_TERM = "terms_by_film_", "terms_by_term_"  # prefixes of the same sparse matrix, both ways round
STARTS, COLUMNS, VALUES = "starts.npy", "columns.npy", "values.npy"  # int64, int32, float32
