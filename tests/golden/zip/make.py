"""Writes two.zip, which app/src/zip.rs has to equal byte for byte: Python 3's zipfile, stored, first day of the format."""

import zipfile
from pathlib import Path

FILES = {"a.txt": b"hello\n", "prompt/\u00e9.json": b"{}"}

with zipfile.ZipFile(Path(__file__).with_name("two.zip"), "w", zipfile.ZIP_STORED) as archive:
    for name, content in FILES.items():
        info = zipfile.ZipInfo(name, date_time=(1980, 1, 1, 0, 0, 0))
        info.create_system = 0
        info.external_attr = 0x20
        archive.writestr(info, content)
