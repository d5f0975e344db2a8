"""Every closed set of names, once: config, command line and errors derive from it. The open ones are in `registry.py`.

Imports nothing, so that `nevoa --help` waits for nothing.
"""

from typing import Literal

DEFAULT_PRESET = "quick"
# In place of the name of a part: an object that the caller gave.
OBJECT = "object"
SectionName = Literal["data", "diffusion", "network", "training", "sampling"]
PredictionName = Literal["epsilon", "x0", "v", "flow"]
WeightingName = Literal["simple", "min_snr", "flow"]
TimestepsName = Literal["uniform", "log_normal", "log_normal_tail"]
BlockName = Literal["convnext", "resnet"]
DecayName = Literal["none", "linear", "cosine"]
SpacingName = Literal["trailing", "leading", "log_snr", "karras", "shifted", "angle"]
VarianceName = Literal["small", "large"]
DeviceName = Literal["cpu", "cuda", "mps"]
PrecisionName = Literal["float32", "bfloat16", "float16"]
BudgetName = Literal["minutes", "epochs", "steps"]
RunStatus = Literal["running", "stopped", "finished", "failed"]
FitName = Literal["crop", "pad"]
# What divides held-out images into those that choose a model and those that score it.
DivisionName = Literal["places", "pixels"]
# What was done to a training image: no kind that an image can be asked for.
AUGMENTATION = "augmentation"
# Kinds of condition that other rooms ask for by name; the registry lists all.
CLASS, TEXT, TAGS, PICTURE = "class", "text", "tags", "picture"
FeatureKind = Literal["classes", "rotation", "random"]
TrackerName = Literal["tensorboard", "wandb", "mlflow", "trackio"]
