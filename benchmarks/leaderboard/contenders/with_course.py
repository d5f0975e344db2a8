"""The recipe with classes of huggingface/diffusion-models-class, unit 2, written for a free notebook.

Its images are digits; ours are clothes.
"""

import torch
from labelled import CLASSES, SIDE, Recipe, compete
from torch import Tensor, nn

TIMESTEPS, EMBEDDING = 1000, 4


class ClassesAsChannels(nn.Module):
    """A small U-Net; four numbers for the class are four more channels, the same at each pixel."""

    def __init__(self):
        from diffusers import UNet2DModel  # pyright: ignore[reportMissingImports, reportPrivateImportUsage]

        super().__init__()
        self.embedding = nn.Embedding(CLASSES, EMBEDDING)
        down = ("DownBlock2D", "AttnDownBlock2D", "AttnDownBlock2D")
        self.unet = UNet2DModel(
            sample_size=SIDE,
            in_channels=1 + EMBEDDING,
            out_channels=1,
            layers_per_block=2,
            block_out_channels=(32, 64, 64),
            down_block_types=down,
            up_block_types=tuple(name.replace("Down", "Up") for name in reversed(down)),
        )

    def forward(self, x_t: Tensor, t: Tensor, label: Tensor) -> Tensor:
        channels = self.embedding(label)[:, :, None, None].expand(-1, -1, *x_t.shape[2:])
        return self.unet(torch.cat([x_t, channels], dim=1), t).sample


def main() -> None:
    from diffusers import DDPMScheduler  # pyright: ignore[reportMissingImports, reportPrivateImportUsage]

    compete(
        Recipe(
            contender="diffusion-models-class",
            network="U-Net (32, 64, 64), attention in two stages",
            method="1000 timesteps, cosine schedule, epsilon, Adam 1e-3, batch 128",
            build=ClassesAsChannels,
            scheduler=DDPMScheduler(TIMESTEPS, beta_schedule="squaredcos_cap_v2"),
            optimizer=lambda parameters: torch.optim.Adam(parameters, lr=1e-3),
        )
    )


if __name__ == "__main__":
    main()
