"""The Gaussian diffusion process: q in both directions (Ho et al. 2020, section 2)."""

from dataclasses import dataclass

from jaxtyping import Float, Float64, Int
from torch import Tensor

from nevoa.diffusion.schedule import NoiseSchedule, at, shaped

Images = Float[Tensor, "B *pixels"]
Timesteps = Int[Tensor, " B"]


@dataclass(frozen=True)
class GaussianProcess:
    """Adds noise by a schedule, and knows exactly how to take it back when x_0 is known.

    Images are `[B, ...]` in any float dtype; timesteps are integers `[B]`, 1…T. The tables are float64 and are cast
    to the images' dtype last.
    """

    schedule: NoiseSchedule

    def forward(self, x_0: Images, t: Timesteps, epsilon: Images) -> Images:
        """A draw of q(x_t | x_0): sqrt(alpha_bar) x_0 + sqrt(1 - alpha_bar) epsilon (equation 4)."""
        alpha_bar = self.schedule.alpha_bar
        return at(alpha_bar.sqrt(), t, x_0) * x_0 + at((1 - alpha_bar).sqrt(), t, x_0) * epsilon

    def forward_step(self, x_prev: Images, t: Timesteps, epsilon: Images) -> Images:
        """A draw of q(x_t | x_{t-1}): sqrt(alpha) x_{t-1} + sqrt(beta) epsilon (equation 2)."""
        return at(self.schedule.alpha.sqrt(), t, x_prev) * x_prev + at(self.schedule.beta.sqrt(), t, x_prev) * epsilon

    def posterior(
        self, x_0: Images, x_t: Images, t: Timesteps, s: Timesteps | None = None
    ) -> tuple[Images, Float[Tensor, "B *ones"]]:
        """Mean and variance of q(x_s | x_t, x_0), 0 <= s < t (equations 6 and 7); s is t - 1 unless given.

        The variance is beta_tilde ("small"), one number per image, shaped to multiply it. It is 0 at s = 0.
        """
        kept_t, kept_s = self._kept(t), self._kept(t - 1 if s is None else s)
        alpha = kept_t / kept_s
        beta = 1 - alpha
        x_0_share = kept_s.sqrt() * beta / (1 - kept_t)
        x_t_share = alpha.sqrt() * (1 - kept_s) / (1 - kept_t)
        mean = shaped(x_0_share, x_0) * x_0 + shaped(x_t_share, x_t) * x_t
        return mean, shaped((1 - kept_s) / (1 - kept_t) * beta, x_t)

    def large_variance(self, t: Timesteps, s: Timesteps, like: Images) -> Float[Tensor, "B *ones"]:
        """The other fixed reverse variance, beta: what the forward process adds from s to t (section 3.2)."""
        return shaped(1 - self._kept(t) / self._kept(s), like)

    def mean_from_noise(self, x_t: Images, t: Timesteps, epsilon: Images) -> Images:
        """Mean of x_{t-1} by equation 11: (x_t - beta / sqrt(1 - alpha_bar) epsilon) / sqrt(alpha)."""
        schedule = self.schedule
        share = schedule.beta / (1 - schedule.alpha_bar).sqrt()
        return (x_t - at(share, t, x_t) * epsilon) / at(schedule.alpha.sqrt(), t, x_t)

    def _kept(self, t: Timesteps) -> Float64[Tensor, " B"]:
        # Looked up on the CPU: 1 - alpha_bar[t] / alpha_bar[s] loses three digits in float32, and MPS has no float64.
        return self.schedule.alpha_bar[t.cpu()]
