"""The command line: parse, call, print."""

import time

# The `time.perf_counter()` at which this process started. This file is imported first, so that the process has hardly
# waited for anything yet: its CPU time is how long it has been running.
STARTED = time.perf_counter() - time.process_time()
