"""A few films and people for wishes to name."""

from __future__ import annotations

from cine_recommender.language.catalogue import PeopleIndex, TitledFilm, TitleIndex
from cine_recommender.language.known import WishVocabulary

NOW = 2026
FILMS = (
    TitledFilm(1, "Heat", 1995, known=900),
    TitledFilm(2, "Heat", 1986, known=50),
    TitledFilm(3, "Inception", 2010, known=1000),
    TitledFilm(4, "The Good, the Bad and the Ugly", 1966, known=700),
    TitledFilm(5, "The 400 Blows", 1959, known=300),
    TitledFilm(6, "1984", 1984, known=100),
    TitledFilm(7, "Under the Skin", 2013, known=200),
    TitledFilm(8, "Her", 2013, known=400),
    TitledFilm(9, "Up", 2009, known=800),
    TitledFilm(10, "Funny Games", 1997, known=150),
    TitledFilm(11, "2001: A Space Odyssey", 1968, known=700),
    TitledFilm(12, "Collateral", 2004, known=300),
    TitledFilm(13, "Amélie", 2001, known=600),
    TitledFilm(14, "Blade Runner 2049", 2017, known=500),
    TitledFilm(15, "Heist", 2001, known=80),
    TitledFilm(16, "No Country for Old Men", 2007, known=600),
    TitledFilm(17, "Before Sunrise", 1995, known=400),
    TitledFilm(18, "12 Angry Men", 1957, known=600),
    TitledFilm(19, "Some Like It Hot", 1959, known=300),
    TitledFilm(20, "Love Actually", 2003, known=400),
    TitledFilm(21, "Wonder Woman 1984", 2020, known=100),
    TitledFilm(22, "Seven", 1995, known=900),
    TitledFilm(23, "Mad Max", 1979, known=300),
    TitledFilm(24, "Gone in 60 Seconds", 2000, known=100),
    TitledFilm(25, "Short Cuts", 1993, known=80),
    TitledFilm(26, "The French Connection", 1971, known=200),
    TitledFilm(27, "After Hours", 1985, known=90),
    TitledFilm(28, "Not Another Teen Movie", 2001, known=60),
    TitledFilm(29, "The Long Goodbye", 1973, known=120),
    TitledFilm(30, "28 Days Later", 2002, known=300),
)
PEOPLE = {
    "Tom Hanks": 900.0,
    "Colin Hanks": 60.0,
    "Meg Ryan": 300.0,
    "Hayao Miyazaki": 800.0,
    "Goro Miyazaki": 30.0,
    "Quentin Tarantino": 900.0,
    "Alfred Hitchcock": 700.0,
    "Bong Joon-ho": 400.0,
    "Penélope Cruz": 200.0,
    "Tom Cruise": 800.0,
    "Spike Lee": 300.0,
    "Ang Lee": 320.0,
    "Courtney Love": 10.0,
    "Stephen King": 100.0,
    "Oliver Stone": 200.0,
    "Agnès Varda": 100.0,
    "Robert Downey Jr.": 600.0,
    "Wong Kar-wai": 200.0,
    "Guillermo del Toro": 300.0,
    "Akira Kurosawa": 300.0,
    "Stanley Kubrick": 700.0,
    "Jack Black": 200.0,
}
SHELF = WishVocabulary(people=PeopleIndex(PEOPLE), film=TitleIndex(FILMS).find)
