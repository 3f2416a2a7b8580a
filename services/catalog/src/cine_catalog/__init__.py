"""The Catalog service: films, search, streaming lists and the pipeline that builds them."""
