"""Full-text search over the catalogue: text analysis, the tantivy index, query understanding, ranking."""
