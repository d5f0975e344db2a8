"""The Gaussian diffusion process: q forwards and backwards (Ho et al. 2020, section 2), for any schedule."""

from dataclasses import dataclass
from functools import cached_property

from jaxtyping import Float, Float64, Int
from torch import Tensor

from nevoa.diffusion.schedule import Schedule, Table, at, check_schedule, shaped

Images = Float[Tensor, "B *pixels"]
Timesteps = Int[Tensor, " B"]


@dataclass(frozen=True)
class GaussianProcess:
    """Adds noise according to a schedule, and inverts it exactly when x_0 is known.

    Images are `[B, ...]` of any float dtype; timesteps are integers `[B]` in 1…T. Coefficients are computed in float64
    and cast to the dtype of the images last. Equation numbers are those of Ho et al. 2020, whose alpha and beta are,
    for any schedule and s < t,

        alpha(t|s) = (signal_t / signal_s)^2        beta(t|s) = noise_t^2 - alpha(t|s) noise_s^2

    Raises:
        NevoaError: if the schedule is not an object with valid tables `signal` and `noise`.

    Example:
        >>> process = GaussianProcess(NoiseSchedule.cosine())
        >>> x_t = process.forward(x_0, t, torch.randn_like(x_0))
    """

    schedule: Schedule

    def __post_init__(self) -> None:
        check_schedule(self.schedule)

    @cached_property
    def signal(self) -> Table:
        """The schedule's, computed once."""
        return self.schedule.signal

    @cached_property
    def noise(self) -> Table:
        """The schedule's, computed once."""
        return self.schedule.noise

    def forward(self, x_0: Images, t: Timesteps, epsilon: Images) -> Images:
        """Draw from q(x_t | x_0): signal x_0 + noise epsilon (equation 4)."""
        return at(self.signal, t, x_0) * x_0 + at(self.noise, t, x_0) * epsilon

    def forward_step(self, x_prev: Images, t: Timesteps, epsilon: Images) -> Images:
        """Draw from q(x_t | x_{t-1}): sqrt(alpha) x_{t-1} + sqrt(beta) epsilon (equation 2)."""
        kept, added = self._transition(t, t - 1)
        return shaped(kept, x_prev) * x_prev + shaped(added.sqrt(), x_prev) * epsilon

    def posterior(
        self, x_0: Images, x_t: Images, t: Timesteps, s: Timesteps | None = None
    ) -> tuple[Images, Float[Tensor, "B *ones"]]:
        """Return mean and variance of q(x_s | x_t, x_0), 0 <= s < t (equations 6 and 7); s defaults to t - 1.

        The variance is beta_tilde ("small"): one number per image, shaped to multiply it, and 0 at s = 0.
        """
        s = t - 1 if s is None else s
        kept, added = self._transition(t, s)
        signal_s, variance_s = self.signal[s.cpu()], self.noise[s.cpu()] ** 2
        variance_t = self.noise[t.cpu()] ** 2
        mean = shaped(signal_s * added / variance_t, x_0) * x_0 + shaped(kept * variance_s / variance_t, x_t) * x_t
        return mean, shaped(variance_s / variance_t * added, x_t)

    def large_variance(self, t: Timesteps, s: Timesteps, like: Images) -> Float[Tensor, "B *ones"]:
        """Return the other fixed reverse variance, beta: what the forward process adds from s to t (section 3.2)."""
        return shaped(self._transition(t, s)[1], like)

    def _transition(self, t: Timesteps, s: Timesteps) -> tuple[Float64[Tensor, " B"], Float64[Tensor, " B"]]:
        """Return the scale and the added variance of q(x_t | x_s): sqrt(alpha) and beta between s and t."""
        # On the CPU in float64: the difference loses three digits in float32, and MPS has no float64.
        signal, noise, t, s = self.signal, self.noise, t.cpu(), s.cpu()
        kept = signal[t] / signal[s]
        return kept, noise[t] ** 2 - (kept * noise[s]) ** 2
