"""Recommendations: CineMatch, which answers anyone in one call, and the personal recommender."""
