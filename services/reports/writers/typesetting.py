"""Sets one part of a PDF, in a process of its own: Typst keeps what it has laid out until its process ends.

Run as a script with the folder that holds ``report.typ`` and its data, and the epoch second to put into the file.
"""

from __future__ import annotations

import sys
from pathlib import Path

import fontpkg_noto_sans
import fontpkg_noto_sans_devanagari
import typst

PDF = "report.pdf"


def main(folder: Path, made_at: int) -> None:
    """Make ``report.pdf`` in ``folder``, with our two fonts and nothing of the machine's."""
    folders = [package.ROOT / "files" for package in (fontpkg_noto_sans, fontpkg_noto_sans_devanagari)]
    fonts = typst.Fonts(include_system_fonts=False, include_embedded_fonts=False, font_paths=folders)
    typst.compile(
        folder / "report.typ",
        output=folder / PDF,
        root=folder,
        font_paths=fonts,
        format="pdf",
        timestamp=made_at,
        pdf_tags=False,
    )


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
