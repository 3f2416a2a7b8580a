"""What the recommender does, between servicers and store."""
