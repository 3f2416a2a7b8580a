"""Other people's genre and country words in ours: MovieLens genres and ISO 3166-1 codes."""

from __future__ import annotations

import polars as pl

NO_GENRE = "(no genres listed)"

# Only words that mean a MovieLens genre by definition. "History", "Biography", "Music", "Sports" imply none and map to nothing;
# umbrella shelves ("Sci-Fi & Fantasy") would guess and map to nothing either.
GENRES: dict[str, str] = {
    "action": "Action", "action & adventure": "Action", "action-adventure": "Action", "martial arts": "Action",
    "superhero": "Action", "adventure": "Adventure",
    "animation": "Animation", "animated": "Animation", "anime": "Animation", "anime features": "Animation",
    "cartoons": "Animation", "adult animation": "Animation",
    "children": "Children", "family": "Children", "kids": "Children", "children & family movies": "Children",
    "comedy": "Comedy", "comedies": "Comedy", "stand-up comedy": "Comedy", "stand up": "Comedy", "satire": "Comedy",
    "parody": "Comedy", "romantic comedy": "Comedy|Romance",
    "crime": "Crime",
    "documentary": "Documentary", "documentaries": "Documentary", "documentation": "Documentary",
    "drama": "Drama", "dramas": "Drama",
    "fantasy": "Fantasy", "film-noir": "Film-Noir", "noir": "Film-Noir",
    "horror": "Horror", "horror movies": "Horror", "slasher": "Horror",
    "musical": "Musical", "mystery": "Mystery",
    "romance": "Romance", "romantic movies": "Romance",
    "sci-fi": "Sci-Fi", "scifi": "Sci-Fi", "science fiction": "Sci-Fi",
    "thriller": "Thriller", "thrillers": "Thriller", "suspense": "Thriller", "spy": "Thriller", "spy/espionage": "Thriller",
    "war": "War", "western": "Western",
}  # fmt: skip

# Names as the streaming lists write them; historical states keep the codes ISO 3166-3 withdrew.
_COUNTRY_NAMES = """Afghanistan AF|Albania AL|Algeria DZ|Angola AO|Argentina AR|Armenia AM|Australia AU|Austria AT|Azerbaijan AZ
Bahamas BS|Bangladesh BD|Belarus BY|Belgium BE|Bermuda BM|Bolivia BO|Bosnia and Herzegovina BA|Botswana BW|Brazil BR|Bulgaria BG
Burkina Faso BF|Cambodia KH|Cameroon CM|Canada CA|Cayman Islands KY|Chile CL|China CN|Colombia CO|Costa Rica CR|Croatia HR|Cuba CU
Cyprus CY|Czech Republic CZ|Czechia CZ|Czechoslovakia CS|Denmark DK|Dominican Republic DO|East Germany DD|Ecuador EC|Egypt EG
Estonia EE|Ethiopia ET|Finland FI|France FR|Georgia GE|Germany DE|Ghana GH|Greece GR|Guatemala GT|Hong Kong HK|Hungary HU|Iceland IS
India IN|Indonesia ID|Iran IR|Iraq IQ|Ireland IE|Israel IL|Italy IT|Jamaica JM|Japan JP|Jordan JO|Kazakhstan KZ|Kenya KE|Kuwait KW
Latvia LV|Lebanon LB|Liechtenstein LI|Lithuania LT|Luxembourg LU|Malawi MW|Malaysia MY|Malta MT|Mauritius MU|Mexico MX|Mongolia MN
Montenegro ME|Morocco MA|Mozambique MZ|Namibia NA|Nepal NP|Netherlands NL|New Zealand NZ|Nicaragua NI|Nigeria NG|Norway NO|Pakistan PK
Palestine PS|Panama PA|Paraguay PY|Peru PE|Philippines PH|Poland PL|Portugal PT|Puerto Rico PR|Qatar QA|Romania RO|Russia RU|Samoa WS
Saudi Arabia SA|Senegal SN|Serbia RS|Singapore SG|Slovakia SK|Slovenia SI|Somalia SO|South Africa ZA|South Korea KR|Soviet Union SU
Spain ES|Sri Lanka LK|Sudan SD|Sweden SE|Switzerland CH|Syria SY|Taiwan TW|Tanzania TZ|Thailand TH|Tunisia TN|Turkey TR|Uganda UG
Ukraine UA|United Arab Emirates AE|United Kingdom GB|United States US|Uruguay UY|Vatican City VA|Venezuela VE|Vietnam VN
West Germany DE|Yugoslavia YU|Zambia ZM|Zimbabwe ZW"""
_PAIRS = (entry.rpartition(" ") for line in _COUNTRY_NAMES.splitlines() for entry in line.split("|"))
COUNTRIES: dict[str, str] = {name: code for name, _, code in _PAIRS}


def genre_names(words: pl.Expr) -> pl.Expr:
    """Map a list of foreign genre words to MovieLens genres; unknown words vanish."""
    key = pl.element().str.strip_chars().str.to_lowercase()
    mapped = words.list.eval(key.replace_strict(GENRES, default=None, return_dtype=pl.String).drop_nulls())
    return mapped.list.join("|").str.split("|").list.unique(maintain_order=True)


def country_codes(names: pl.Expr) -> pl.Expr:
    """Map a list of English country names to ISO codes; unknown names vanish."""
    key = pl.element().str.strip_chars(" ,")
    return names.list.eval(key.replace_strict(COUNTRIES, default=None, return_dtype=pl.String).drop_nulls())
