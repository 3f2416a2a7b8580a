"""Films from MovieLens-format files and many metadata sources into one checked table, ``movies_merged.csv``."""

from cine_catalog.pipeline.columns import MERGED, decode_list, encode_list
from cine_catalog.pipeline.errors import (
    CatalogDataError,
    ColumnMissing,
    DataCorrupt,
    OptionInvalid,
    SourceBroken,
    SourceMissing,
)
from cine_catalog.pipeline.ids import tmdb_ids
from cine_catalog.pipeline.merged import MergedCatalogue, MergedManifest, manifest_path, read_merged
from cine_catalog.pipeline.options import PipelineOptions
from cine_catalog.pipeline.report import BadRow, PipelineReport, Progress
from cine_catalog.pipeline.run import run_pipeline

__all__ = [
    "MERGED",
    "BadRow",
    "CatalogDataError",
    "ColumnMissing",
    "DataCorrupt",
    "MergedCatalogue",
    "MergedManifest",
    "OptionInvalid",
    "PipelineOptions",
    "PipelineReport",
    "Progress",
    "SourceBroken",
    "SourceMissing",
    "decode_list",
    "encode_list",
    "manifest_path",
    "read_merged",
    "run_pipeline",
    "tmdb_ids",
]
