"""Sentiment: what people felt: sentiment, emotions, aspects."""
