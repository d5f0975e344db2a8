"""The machine that computes, as far as it decides how a result is rounded."""

import platform
from pathlib import Path
from typing import Any

import torch

from nevoa._util.threads import available_cores
from nevoa.parallel.device import choose_threads

CPUINFO = Path("/proc/cpuinfo")


def machine(device: str = "cpu") -> dict[str, Any]:
    """CPU, its vector instructions, cores, threads and operating system; and the GPU, if that is the device."""
    about = {
        "cpu": _cpu(),
        "instructions": torch.backends.cpu.get_cpu_capability(),
        "cores": available_cores(),
        "threads": choose_threads(),
        "system": f"{platform.system()} {platform.machine()}",
        "device": device,
    }
    return about | ({"gpu": torch.cuda.get_device_name()} if device == "cuda" else {})


def _cpu() -> str:
    """Its name. Linux also knows family and model, without which a virtual machine may only say "AMD EPYC"."""
    lines = CPUINFO.read_text(encoding="utf-8").splitlines() if CPUINFO.is_file() else []
    # The first processor; others repeat it.
    facts = {key.strip(): value.strip() for key, _, value in (line.partition(":") for line in reversed(lines))}
    if "model name" not in facts:
        return platform.processor() or platform.machine()
    return "{model name} (family {cpu family}, model {model})".format_map({"cpu family": "?", "model": "?", **facts})
