"""A closed terminal and SIGTERM are as good as Ctrl-C."""

import os
import signal
from collections.abc import Iterator

import pytest

from nevoa._util.interrupt import ENDING, interrupts_deferred, leave_on_signals

CODES = {signal.SIGTERM: 143, signal.SIGHUP: 129}


@pytest.fixture(autouse=True)
def handlers() -> Iterator[None]:
    """The handlers of a new process; afterwards those of this one."""
    before = {number: signal.signal(number, signal.SIG_DFL) for number in ENDING}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.mark.parametrize("number", CODES)
def test_a_signal_waits_for_the_end_of_a_step(number: int) -> None:
    leave_on_signals()
    reached = []
    with pytest.raises(SystemExit) as stop, interrupts_deferred():
        os.kill(os.getpid(), number)
        reached.append("the end of the step")
    assert reached == ["the end of the step"]
    assert stop.value.code == CODES[signal.Signals(number)]


def test_a_second_signal_does_not_wait() -> None:
    leave_on_signals()
    with pytest.raises(SystemExit) as stop, interrupts_deferred():
        os.kill(os.getpid(), signal.SIGINT)
        os.kill(os.getpid(), signal.SIGTERM)
        pytest.fail("the step goes on")
    assert stop.value.code == 143


def test_a_closed_terminal_may_say_so_twice() -> None:
    """The shell does, and so does the kernel."""
    leave_on_signals()
    with pytest.raises(SystemExit) as stop, interrupts_deferred():
        os.kill(os.getpid(), signal.SIGHUP)
        os.kill(os.getpid(), signal.SIGHUP)
    os.kill(os.getpid(), signal.SIGHUP)  # while the run is saved
    assert stop.value.code == 129


def test_nohup_keeps_its_promise() -> None:
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    leave_on_signals()
    with interrupts_deferred():
        os.kill(os.getpid(), signal.SIGHUP)
    assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
