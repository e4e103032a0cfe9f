"""Exporting a whole domain into a folder, and importing it elsewhere: AWS or embedded.

An export is a folder with a manifest, the settings of the domain, and parts: files with profiles
and objects as JSON lines or Parquet. The manifest has the number of rows and the SHA-256 hash of
each file; it is written last, so that a folder with a manifest is a whole export.
"""

from __future__ import annotations

from .exporting import ExportReport, export_domain
from .importing import ImportReport, import_domain
from .manifest import Manifest, read_manifest

__all__ = [
    "ExportReport",
    "ImportReport",
    "Manifest",
    "export_domain",
    "import_domain",
    "read_manifest",
]
