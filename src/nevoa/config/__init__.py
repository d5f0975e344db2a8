"""The settings that a user may choose: sections of keys, presets, and files of both.

Names are looked up on first use, because `nevoa --help` needs the closed sets of names alone.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from nevoa.config.condition import ConditionPlan as ConditionPlan
    from nevoa.config.condition import NumberPlan as NumberPlan
    from nevoa.config.condition import PicturePlan as PicturePlan
    from nevoa.config.condition import TagsPlan as TagsPlan
    from nevoa.config.condition import TextPlan as TextPlan
    from nevoa.config.data import LARGEST_SIDE as LARGEST_SIDE
    from nevoa.config.data import SMALLEST_SIDE as SMALLEST_SIDE
    from nevoa.config.data import DataConfig as DataConfig
    from nevoa.config.names import DEFAULT_PRESET as DEFAULT_PRESET
    from nevoa.config.network import NetworkConfig as NetworkConfig
    from nevoa.config.network import ResidualUNetConfig as ResidualUNetConfig
    from nevoa.config.network import UNetConfig as UNetConfig
    from nevoa.config.plan import DataPlan as DataPlan
    from nevoa.config.plan import ModelPlan as ModelPlan
    from nevoa.config.plan import Plan as Plan
    from nevoa.config.plan import TrainingPlan as TrainingPlan
    from nevoa.config.presets import TrainingOptions as TrainingOptions
    from nevoa.config.presets import configure as configure
    from nevoa.config.registry import EXPORTS as EXPORTS
    from nevoa.config.registry import PRESETS as PRESETS
    from nevoa.config.sections import Config as Config
    from nevoa.config.sections import DiffusionConfig as DiffusionConfig
    from nevoa.config.sections import DiffusionPlan as DiffusionPlan
    from nevoa.config.sections import SamplingConfig as SamplingConfig
    from nevoa.config.sections import SamplingPlan as SamplingPlan
    from nevoa.config.sections import changes as changes
    from nevoa.config.sections import flat as flat
    from nevoa.config.sections import parse as parse
    from nevoa.config.training import TrainingConfig as TrainingConfig

_HOMES = {
    "condition": ("ConditionPlan", "NumberPlan", "PicturePlan", "TagsPlan", "TextPlan"),
    "data": ("LARGEST_SIDE", "SMALLEST_SIDE", "DataConfig"),
    "names": ("DEFAULT_PRESET",),
    "network": ("NetworkConfig", "ResidualUNetConfig", "UNetConfig"),
    "plan": ("DataPlan", "ModelPlan", "Plan", "TrainingPlan"),
    "presets": ("TrainingOptions", "configure"),
    "registry": ("EXPORTS", "PRESETS"),
    "sections": (
        "changes",
        "flat",
        "Config",
        "DiffusionConfig",
        "DiffusionPlan",
        "SamplingConfig",
        "SamplingPlan",
        "parse",
    ),
    "training": ("TrainingConfig",),
}


def __getattr__(name: str) -> Any:
    for home, names in _HOMES.items():
        if name in names:
            return getattr(import_module(f"nevoa.config.{home}"), name)
    raise AttributeError(f"module 'nevoa.config' has no attribute '{name}'")
