"""The items of the training stream: one after each batch, for progress bars, records and trackers."""

import math
from collections.abc import Mapping
from dataclasses import dataclass

from nevoa.model import Model


@dataclass(frozen=True)
class Step:
    """A batch that was trained on.

    Attributes:
        images_seen: at its end.
        images: the horizon: `images_seen` at the end of the training; a budget of minutes or patience moves it.
        batch_size: images in a batch.
        loss: mean over the batch.
        grad_norm: norm of the whole gradient before clipping.
        epoch: of the batch's first image, from 1.
        epoch_ended: whether the batch completed an epoch.
        epoch_loss: mean over the epoch's batches so far.
        recent_loss: exponential mean over about the last 50 batches.
        report_loss: mean since the last report, which comes every `training.report_every_images` images.
        loss_by_log_snr: means of the same images by noise level.
        report_images_per_second: speed since the last report.
        seconds: of training since its start, without pauses.
        model: the averaged model. It changes as training continues.
        memorises_since: `images_seen` at the lowest held-out loss, once that loss has risen; None before, without a
            run, and if no images are held out.

    Example:
        >>> first, *_ = nevoa.fit(config)
        >>> first.images_seen, first.images
        (8, 16)
    """

    images_seen: int
    images: int
    batch_size: int
    loss: float
    grad_norm: float
    learning_rate: float
    images_per_second: float
    seconds: float
    epoch: int
    epoch_ended: bool
    epoch_loss: float
    recent_loss: float
    report_loss: float
    loss_by_log_snr: Mapping[str, float]
    report_images_per_second: float
    model: Model
    memorises_since: int | None = None

    @property
    def is_finite(self) -> bool:
        """Whether loss and gradient were finite; if not, the batch changed nothing and counts in no mean."""
        return math.isfinite(self.loss + self.grad_norm)

    @property
    def is_last(self) -> bool:
        """Whether the training ends here."""
        return self.images_seen >= self.images

    def is_due(self, every: int) -> bool:
        """Whether something that comes every so many images comes now; it does at the end."""
        return self.is_last or (self.is_finite and passes(self.images_seen, self.batch_size, every))

    def _repr_html_(self) -> str:
        """The step in a notebook: one line."""
        from nevoa.pictures import html_line

        numbers = {"images seen": f"{self.images_seen:,}", "loss": f"{self.loss:.4f}"}
        return html_line({**numbers, "images/s": f"{self.images_per_second:,.0f}"})


def passes(images_seen: int, batch_size: int, every: int) -> bool:
    """Whether the last batch reached or passed a multiple of `every`."""
    return images_seen // every != (images_seen - batch_size) // every
