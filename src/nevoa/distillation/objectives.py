"""The objectives of a distillation."""

from collections.abc import Mapping
from typing import ClassVar

from torch import nn

from nevoa.diffusion import Autoguided, Denoiser, guide_weights
from nevoa.distillation.matching import MATCHING_COST, MATCHING_FROM, SECOND_RATE, Matching
from nevoa.distillation.student import Student
from nevoa.objects import schedule_of
from nevoa.training.objective import MODEL, Denoise

TEACHER, SECOND = "teacher", "second"


class Path(Denoise):
    """Take the steps of `sampling` along the teacher's path (Luhman and Luhman 2021)."""

    beside: ClassVar[Mapping[str, float]] = {TEACHER: 0.0}
    has_levels = False  # a path has all of them

    def network_beside(self, name: str, network: nn.Module) -> nn.Module:
        weight, made = self.plan.training.teacher_autoguidance, super().network_beside(name, network)
        if name != TEACHER or weight == 1:
            return made
        weights = guide_weights(schedule_of(self.plan.diffusion), weight)
        return Autoguided(made, super().network_beside(name, network), weights.to(self.plan.training.device))

    @property
    def sets_beside(self) -> int:
        return super().sets_beside + (self.plan.training.teacher_autoguidance != 1)

    def denoiser(self, denoisers: Mapping[str, Denoiser], cooled: float, pixels: int) -> Denoiser:
        sampling = self.plan.sampling
        return Student(denoisers[MODEL], denoisers[TEACHER], sampling.steps or 1, sampling.spacing, pixels)

    def evaluations(self, denoiser: Denoiser) -> int:
        assert isinstance(denoiser, Student)
        return denoiser.evaluations


class Match(Path):
    """The same and, in the last fifth of the cool-down, match the teacher's distribution (Yin et al. 2024)."""

    beside: ClassVar[Mapping[str, float]] = {TEACHER: 0.0, SECOND: SECOND_RATE}

    def denoiser(self, denoisers: Mapping[str, Denoiser], cooled: float, pixels: int) -> Denoiser:
        if cooled < MATCHING_FROM:
            return super().denoiser(denoisers, cooled, pixels)
        steps, spacing = self.plan.sampling.steps or 1, self.plan.sampling.spacing
        return Matching(denoisers[MODEL], denoisers[TEACHER], steps, spacing, denoisers[SECOND], pixels)

    def trained(self, cooled: float) -> tuple[str, ...]:
        return (MODEL,) if cooled < MATCHING_FROM else (MODEL, SECOND)

    def cost(self, cooled: float) -> float:
        return 1.0 if cooled < MATCHING_FROM else MATCHING_COST
