"""Histories that come from elsewhere and go elsewhere: reading and writing files, and finding the films their rows mean."""
