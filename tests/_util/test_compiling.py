"""torch compiles here, or says what it lacks."""

import pytest
import torch
from torch._inductor import config

from nevoa._util.compiling import compiler_fault
from tests.compiler import needs_compiler

pytestmark = pytest.mark.slow


@needs_compiler
def test_what_the_compiler_lacks_is_told_in_a_sentence() -> None:
    trial = compiler_fault.__wrapped__
    torch.compiler.reset()
    assert trial("cpu") is None
    torch.compiler.reset()
    with config.patch({"cpp.cxx": (None, "no-such-compiler")}):
        fault = trial("cpu")
    assert fault is not None
    assert "no-such-compiler" in fault
    assert len(fault.splitlines()) == 1
