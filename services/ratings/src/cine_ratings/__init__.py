"""Ratings: ratings, reviews, comments, the diary, imports."""
