"""Fault tests stand on the platform's own fixtures."""

import importlib.util
import sys
from pathlib import Path

_path = Path(__file__).parents[1] / "platform" / "conftest.py"
_spec = importlib.util.spec_from_file_location("honnin_platform_fixtures", _path)
assert _spec is not None
assert _spec.loader is not None
_fixtures = importlib.util.module_from_spec(_spec)
sys.modules["honnin_platform_fixtures"] = _fixtures
_spec.loader.exec_module(_fixtures)

globals().update({name: value for name, value in vars(_fixtures).items() if not name.startswith("_")})
