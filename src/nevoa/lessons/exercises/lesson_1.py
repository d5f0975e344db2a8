"""The exercises of lesson 1, from noise to image."""

import numpy as np
import torch
from torch import Tensor

from nevoa.lessons.exercises.exercise import Exercise, choice


def _scaled(x: Tensor) -> Tensor:
    return (x + 1) * 127.5


TO_PIXELS = Exercise(
    lambda x: _scaled(x).round().clamp(0, 255),
    {
        "no_clamp": lambda x: _scaled(x).round(),
        "no_round": lambda x: _scaled(x).clamp(0, 255),
        "floor": lambda x: _scaled(x).clamp(0, 255).floor(),
        "no_shift": lambda x: (x * 255).round().clamp(0, 255),
    },
    (torch.tensor([-1.02, -1.0, -0.497, 0.0, 0.333, 1.0, 1.3]),),
)

MIX = Exercise(
    lambda x_0, epsilon, signal, noise: signal * x_0 + noise * epsilon,
    {
        "swapped": lambda x_0, epsilon, signal, noise: noise * x_0 + signal * epsilon,
        "full_image": lambda x_0, epsilon, signal, noise: x_0 + noise * epsilon,
    },
    (torch.linspace(-1, 1, 6).view(2, 3), torch.tensor([[0.3, -1.2, 0.8], [2.0, 0.1, -0.4]]), 0.8, 0.6),
)

IMAGE = np.array([[10, 250], [0, 90]], np.uint8)
# The nearest by the sum of signed differences, by wrapped squares, the nearest, and the farthest.
IMAGES = np.array([[[5, 125], [0, 45]], [[26, 234], [16, 106]], [[13, 253], [3, 93]], [[0, 90], [10, 250]]], np.uint8)


def _distances(image: np.ndarray, images: np.ndarray) -> np.ndarray:
    return ((images.astype(float) - image) ** 2).reshape(len(images), -1).sum(1)


NEAREST = Exercise(
    lambda image, images: _distances(image, images).argmin(),
    {
        "wraps": lambda image, images: ((images - image) ** 2).reshape(len(images), -1).sum(1).argmin(),
        "signed": lambda image, images: (images.astype(float) - image).reshape(len(images), -1).sum(1).argmin(),
        "farthest": lambda image, images: _distances(image, images).argmax(),
        "distance": lambda image, images: _distances(image, images).min(),
    },
    (IMAGE, IMAGES),
)

EXERCISES = (choice("b"), MIX, choice("a"), TO_PIXELS, NEAREST)
