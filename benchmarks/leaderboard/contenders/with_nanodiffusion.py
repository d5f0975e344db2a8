"""The recipe of sarath-menon/nanoDiffusion, written for minutes on a laptop: a transformer of four patches of 14x14.

The transformer is diffusers' DiT of the same size, which drops a tenth of the classes, as the recipe's configuration
says and its code does not. Images are drawn without guidance; the recipe's own weight is 4, for one image of a class.
"""

import torch
from labelled import CLASSES, SIDE, Recipe, compete
from torch import Tensor, nn

TIMESTEPS = 300


class Transformer(nn.Module):
    """DiT of three layers of 720 numbers. It has an output for the variance, which the recipe does not train."""

    def __init__(self):
        from diffusers import DiTTransformer2DModel  # pyright: ignore[reportMissingImports, reportPrivateImportUsage]

        super().__init__()
        self.transformer = DiTTransformer2DModel(
            num_attention_heads=4,
            attention_head_dim=180,
            num_layers=3,
            in_channels=1,
            out_channels=2,
            sample_size=SIDE,
            patch_size=14,
            num_embeds_ada_norm=CLASSES,
        )

    def forward(self, x_t: Tensor, t: Tensor, label: Tensor) -> Tensor:
        return self.transformer(x_t, timestep=t, class_labels=label).sample[:, :1]


def main() -> None:
    from diffusers import DDPMScheduler  # pyright: ignore[reportMissingImports, reportPrivateImportUsage]

    compete(
        Recipe(
            contender="nanoDiffusion",
            network="DiT of 3 layers, 720 wide, patches of 14",
            method="300 timesteps, linear schedule, epsilon, AdamW 1e-3, batch 128, mirrored",
            build=Transformer,
            scheduler=DDPMScheduler(TIMESTEPS, clip_sample=False),
            optimizer=lambda parameters: torch.optim.AdamW(parameters, lr=1e-3),
            mirrored=True,
        )
    )


if __name__ == "__main__":
    main()
