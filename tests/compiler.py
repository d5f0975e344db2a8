"""The C++ compiler that torch needs to compile for a CPU."""

import os
import shutil

import pytest

needs_compiler = pytest.mark.skipif(
    not shutil.which("g++") and not os.environ.get("NEVOA_REQUIRE_COMPILER"), reason="needs a C++ compiler"
)
