"""Every closed set of names, once: config, tables, command line and errors derive from it.

Imports nothing, so that `nevoa --help` waits for nothing.
"""

from typing import Literal

PresetName = Literal["quick", "photos", "classic", "ddpm-cifar10"]
DEFAULT_PRESET: PresetName = "quick"
SectionName = Literal["data", "diffusion", "network", "training", "sampling"]
ScheduleName = Literal["linear", "quadratic", "sigmoid", "cosine", "flow"]
ExportName = Literal["diffusers", "onnx", "web"]
# Of the file that an export is; diffusers makes a folder.
EXPORT_SUFFIXES: dict[ExportName, str] = {"diffusers": "", "onnx": ".onnx", "web": ".html"}
PredictionName = Literal["epsilon", "x0", "v", "flow"]
LossName = Literal["l1", "l2", "huber"]
WeightingName = Literal["simple", "min_snr"]
TimestepsName = Literal["uniform", "log_normal"]
BlockName = Literal["convnext", "resnet"]
ObjectiveName = Literal["denoise", "path", "match"]
OptimizerName = Literal["adam", "adamw", "muon"]
DecayName = Literal["none", "linear", "cosine"]
SamplerName = Literal["ddpm", "ddim", "dpm_solver", "euler", "heun"]
SpacingName = Literal["trailing", "leading", "log_snr", "karras", "angle"]
VarianceName = Literal["small", "large"]
DeviceName = Literal["cpu", "cuda", "mps"]
PrecisionName = Literal["float32", "bfloat16", "float16"]
BudgetName = Literal["minutes", "epochs", "steps"]
RunStatus = Literal["running", "stopped", "finished", "failed"]
FitName = Literal["crop", "pad"]
MetricName = Literal["frechet", "kernel", "manifold", "classes", "bits", "memorisation", "overfitting", "inception"]
FeatureKind = Literal["classes", "rotation", "random"]
TrackerName = Literal["tensorboard", "wandb", "mlflow", "trackio"]
