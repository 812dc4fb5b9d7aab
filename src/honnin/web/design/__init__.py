"""What all pages share: tokens and parts (`static`), templates and macros, languages, forms and their protection."""

from honnin.web.design.forms import read_form
from honnin.web.design.pages import Pages, language_of, static_files

__all__ = ["Pages", "language_of", "read_form", "static_files"]
