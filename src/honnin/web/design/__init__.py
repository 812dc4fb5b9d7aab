"""What all pages share: tokens and parts (`static`), templates and macros, languages, forms and their protection."""

from honnin.web.design.forms import read_form
from honnin.web.design.languages import language_of
from honnin.web.design.pages import Pages
from honnin.web.design.site import site
from honnin.web.design.threads import Threads

__all__ = ["Pages", "Threads", "language_of", "read_form", "site"]
