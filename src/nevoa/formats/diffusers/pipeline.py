"""The pipeline of a model trained with nevoa. `nevoa export` puts a copy of this file beside the model.

    from diffusers import DiffusionPipeline

    pipeline = DiffusionPipeline.from_pretrained("FOLDER", trust_remote_code=True)
    pipeline(class_labels=[0, 9]).images[0].save("image.png")

It needs diffusers and torch, but not nevoa.
"""

# diffusers does not annotate what a pipeline registers.
# pyright: reportAttributeAccessIssue=false, reportGeneralTypeIssues=false, reportCallIssue=false
# pyright: reportPrivateImportUsage=false

from typing import ClassVar

import torch
from diffusers import DiffusionPipeline, ImagePipelineOutput
from torch.nn import functional as F


def _names(classes):
    """The names of the classes, of a list or of model_index.json, in the order of their labels."""
    return [classes[label] for label in sorted(classes, key=int)] if isinstance(classes, dict) else list(classes)


class NevoaPipeline(DiffusionPipeline):
    """Makes images from noise.

    Args:
        unet: a UNet2DModel. It sees each square of `patch` x `patch` pixels as one pixel of more channels.
        guide: a worse UNet2DModel, which guides it (Karras et al. 2024), or None.
        scheduler: makes the steps from noise to image.
        size: height and width of an image.
        patch: side of the squares of pixels that are folded into channels.
        timesteps: where the network is evaluated, unless another number of steps is asked for.
        classes: names of the classes, in the order of their labels. The label after the last means "no class".
        guidance: default weight of the class. None for a network that was distilled, or never trained without classes.
        autoguidance: default weight of the unet against its guide.
        guided: the first timestep at which the guide has a weight, and the first after them.
        flow: whether the network predicts epsilon - x_0, which the pipeline turns into v for the scheduler.
    """

    _optional_components: ClassVar = ["guide"]

    # Only arguments without a default are parts with weights or a config of their own.
    def __init__(
        self,
        unet,
        guide,
        scheduler,
        size=(1, 1),
        patch=1,
        timesteps=(),
        classes=(),
        guidance=1.0,
        autoguidance=1.0,
        guided=(0, 0),
        flow=False,
    ):
        super().__init__()
        self.register_modules(unet=unet, guide=guide, scheduler=scheduler)
        self.register_to_config(
            size=list(size),
            patch=patch,
            timesteps=list(timesteps),
            # Not a list: where a list begins with a text, diffusers looks for a part of that name in the Hub.
            classes={str(label): name for label, name in enumerate(_names(classes))},
            guidance=guidance,
            autoguidance=autoguidance,
            guided=list(guided),
            flow=flow,
        )

    @torch.no_grad()
    def __call__(
        self,
        batch_size=None,
        class_labels=None,
        guidance_scale=None,
        autoguidance=None,
        num_inference_steps=None,
        generator=None,
        noise=None,
        output_type="pil",
        return_dict=True,
    ):
        """Make images.

        Args:
            batch_size: number of images; by default as many as labels, or one of each class, or one.
            class_labels: the class of each image, by index or name; all classes in turn by default.
            guidance_scale: weight of the class: 0 ignores it, 1 is as in the data, more exaggerates it.
            autoguidance: weight of the unet against its guide: 1 is the unet alone.
            num_inference_steps: the number of steps.
            generator: torch.Generator of the noise.
            noise: unit Gaussian noise to start from, `[B, C, H, W]`, in place of the generator's.
            output_type: `pil`, `np` (float `[B, H, W, C]` in [0, 1]), `uint8` (the same in 0 … 255), or `pt` (float
                `[B, C, H, W]` in [-1, 1]).
        """
        labels = self._labels(class_labels, batch_size if noise is None else len(noise))
        count = len(labels) if labels is not None else batch_size or (1 if noise is None else len(noise))
        if noise is None:
            shape = count, self.unet.config.in_channels // self.config.patch**2, *self.config.size
            noise = torch.randn(shape, generator=generator, device=generator.device if generator else "cpu")
        guidance = self.config.guidance if guidance_scale is None else guidance_scale
        if self.config.guidance is None and guidance not in (None, 1):
            raise ValueError("this model takes no guidance: leave guidance_scale out")
        weight = self.config.autoguidance if autoguidance is None else autoguidance
        if self.guide is None and weight != 1:
            raise ValueError("this model has no guide: leave autoguidance out")
        self._set_timesteps(num_inference_steps)
        x = noise.to(self.device, self.unet.dtype) * self.scheduler.init_noise_sigma
        for t in self.progress_bar(self.scheduler.timesteps):
            output = self._guided(self.scheduler.scale_model_input(x, t), t, labels, guidance, weight)
            if self.config.flow:
                output = self._v(output, x, t)
            x = self.scheduler.step(output, t, x, generator=generator).prev_sample
        images = self._converted(x, output_type)
        return ImagePipelineOutput(images=images) if return_dict else (images,)

    def _labels(self, wanted, count):
        classes = _names(self.config.classes)
        if not classes:
            if wanted is not None:
                raise ValueError("this model has no classes: leave class_labels out")
            return None
        wanted = list(range(len(classes)))[:count] if wanted is None else wanted
        indices = [classes.index(label) if isinstance(label, str) else int(label) for label in wanted]
        if any(not 0 <= index < len(classes) for index in indices):
            raise ValueError(f"class_labels must be 0 to {len(classes) - 1} or names of {classes}")
        count = len(indices) if count is None else count
        return torch.tensor([indices[n % len(indices)] for n in range(count)], device=self.device)

    def _set_timesteps(self, steps):
        grid = self.config.timesteps
        if not grid or steps not in (None, len(grid)):
            steps = steps or 50
            last = self.scheduler.config.num_train_timesteps
            grid = [round(last * (steps - i) / steps) - 1 for i in range(steps)]
        if not getattr(self.scheduler.config, "use_flow_sigmas", False):
            self.scheduler.set_timesteps(timesteps=grid)
            return
        # Rectified flow: sigma is t / T, and the timesteps here are t - 1. This scheduler takes no list of either.
        self.scheduler.set_timesteps(len(grid))
        sigmas = [(t + 1) / self.scheduler.config.num_train_timesteps for t in grid]
        self.scheduler.sigmas = torch.tensor([*sigmas, 0.0])
        self.scheduler.timesteps = torch.tensor(grid, device=self.device)

    def _guided(self, x, t, labels, guidance, weight):
        output = self._predict(self.unet, x, t, labels, guidance)
        first, end = self.config.guided
        if weight == 1 or not first <= t < end:
            return output
        return weight * output + (1 - weight) * self._predict(self.guide, x, t, labels, guidance)

    def _predict(self, unet, x, t, labels, guidance):
        if labels is None or guidance in (None, 1):
            return self._evaluate(unet, x, t, labels)
        null = torch.full_like(labels, len(self.config.classes))
        both = self._evaluate(unet, torch.cat([x, x]), t, torch.cat([labels, null]))
        conditional, unconditional = both.chunk(2)
        return unconditional + guidance * (conditional - unconditional)

    def _v(self, flow, x, t):
        """signal epsilon - noise x_0, from epsilon - x_0 and x = signal x_0 + noise epsilon."""
        alpha_bar = self.scheduler.alphas_cumprod[t]
        signal, noise = alpha_bar.sqrt(), (1 - alpha_bar).sqrt()
        return ((signal - noise) * x + flow) / (signal + noise)

    def _evaluate(self, unet, x, t, labels):
        """One evaluation of a network, on pixels folded into channels."""
        patch, (height, width) = self.config.patch, self.config.size
        unit = patch * 2 ** (len(unet.config.block_out_channels) - 1)
        down, right = -height % unit, -width % unit
        top, left = down // 2, right // 2
        x = F.pad(x, (left, right - left, top, down - top))
        output = unet(F.pixel_unshuffle(x, patch), t, labels).sample
        return F.pixel_shuffle(output, patch)[:, :, top : top + height, left : left + width]

    def _converted(self, x, output_type):
        if output_type == "pt":
            return x
        pixels = ((x.float() + 1) * 127.5).round().clamp(0, 255).to(torch.uint8).permute(0, 2, 3, 1).cpu().numpy()
        if output_type == "uint8":
            return pixels
        return self.numpy_to_pil(pixels / 255) if output_type == "pil" else pixels / 255.0
