"""The exercises of lesson 1, from noise to image."""

import numpy as np
import torch
from torch import Tensor

from nevoa.lessons.exercises.exercise import Exercise, Mistake, choice
from nevoa.lessons.text import Text

ONE_STEP = choice(
    "b",
    Text(
        "Right. From pure noise every boot is still possible. The safest answer in one step is their average.",
        "Certo. A partir de ruído puro, qualquer bota ainda é possível. A resposta mais segura num só passo é a média "
        "de todas.",
    ),
    {
        "a": Text(
            "Not quite. The network always answers with its best guess of the clean image, and a guess contains no "
            "noise. "
            "Which image is the best guess when you know nothing?",
            "Ainda não. A rede responde sempre com o seu melhor palpite da imagem limpa, e um palpite não tem ruído. "
            "Qual é o "
            "melhor palpite quando não se sabe nada?",
        ),
        "c": Text(
            "Not quite. A sharp image would be a bet on one of thousands. The network is trained to have a small error "
            "on "
            "average: which image is closest to all others?",
            "Ainda não. Uma imagem nítida seria uma aposta numa entre milhares. A rede é treinada para errar pouco em "
            "média: "
            "que imagem está mais perto de todas as outras?",
        ),
    },
)

SEEDS = choice(
    "a",
    Text(
        "Right. Each image has its own noise, which is a function of the seed and of the number of the image.",
        "Certo. Cada imagem tem o seu próprio ruído, que é função da semente e do número da imagem.",
    ),
    {
        "b": Text(
            "Not quite. Nothing else is random: the same noise through the same network gives the same image. Compare "
            "the two arrays.",
            "Ainda não. Nada mais é aleatório: o mesmo ruído, pela mesma rede, dá a mesma imagem. Compare as duas "
            "matrizes.",
        ),
        "c": Text(
            "Not quite. The noise of an image depends on the seed and on its number, not on how many images there are.",
            "Ainda não. O ruído de uma imagem depende da semente e do seu número, e não de quantas imagens há.",
        ),
    },
)


def _scaled(x: Tensor) -> Tensor:
    return (x + 1) * 127.5


TO_PIXELS = Exercise(
    lambda x: _scaled(x).round().clamp(0, 255),
    Text(
        "Right. The clamp matters: a network may answer 1.02, and no screen shows that.",
        "Certo. O corte é importante: uma rede pode responder 1,02, e nenhum ecrã mostra isso.",
    ),
    [
        Mistake(
            lambda x: _scaled(x).round(),
            Text(
                "Almost. Values below -1 and above 1 must become 0 and 255: clamp them.",
                "Quase. Os valores abaixo de -1 e acima de 1 têm de passar a 0 e 255: corte-os com clamp.",
            ),
        ),
        Mistake(
            lambda x: _scaled(x).clamp(0, 255),
            Text(
                "Almost. Pixels are whole numbers: round them.", "Quase. Os píxeis são números inteiros: arredonde-os."
            ),
        ),
        Mistake(
            lambda x: _scaled(x).clamp(0, 255).floor(),
            Text(
                "Almost. Converting to an integer cuts the decimals off, and every image becomes a little darker: "
                "round first.",
                "Quase. A conversão para inteiro corta as casas decimais e escurece um pouco a imagem: arredonde "
                "primeiro.",
            ),
        ),
        Mistake(
            lambda x: (x * 255).round().clamp(0, 255),
            Text(
                "Not yet. -1 must become 0, so add 1 before you scale.",
                "Ainda não. -1 tem de passar a 0: some 1 antes de multiplicar.",
            ),
        ),
    ],
    (torch.tensor([-1.02, -1.0, -0.497, 0.0, 0.333, 1.0, 1.3]),),
)

MIX = Exercise(
    lambda x_0, epsilon, signal, noise: signal * x_0 + noise * epsilon,
    Text("Right. This one line is the whole forward process.", "Certo. Todo o processo direto está nesta linha."),
    [
        Mistake(
            lambda x_0, epsilon, signal, noise: noise * x_0 + signal * epsilon,
            Text(
                "Not yet: the two are swapped. At t = 0 the signal is 1, and x_t must then be the image.",
                "Ainda não: estão trocados. Em t = 0 o sinal é 1, e x_t tem então de ser a imagem.",
            ),
        ),
        Mistake(
            lambda x_0, epsilon, signal, noise: x_0 + noise * epsilon,
            Text(
                "Not yet. The image must fade, too: multiply it by the signal.",
                "Ainda não. A imagem também tem de se desvanecer: multiplique-a pelo sinal.",
            ),
        ),
    ],
    (torch.linspace(-1, 1, 6).view(2, 3), torch.tensor([[0.3, -1.2, 0.8], [2.0, 0.1, -0.4]]), 0.8, 0.6),
)

IMAGE = np.array([[10, 250], [0, 90]], np.uint8)
# The nearest by the sum of signed differences, by wrapped squares, the nearest, and the farthest.
IMAGES = np.array([[[5, 125], [0, 45]], [[26, 234], [16, 106]], [[13, 253], [3, 93]], [[0, 90], [10, 250]]], np.uint8)


def _distances(image: np.ndarray, images: np.ndarray) -> np.ndarray:
    return ((images.astype(float) - image) ** 2).reshape(len(images), -1).sum(1)


NEAREST = Exercise(
    lambda image, images: _distances(image, images).argmin(),
    Text(
        "Right. You converted before you subtracted: in uint8, 3 - 5 is 254.",
        "Certo. Converteu antes de subtrair: em uint8, 3 - 5 é 254.",
    ),
    [
        Mistake(
            lambda image, images: ((images - image) ** 2).reshape(len(images), -1).sum(1).argmin(),
            Text(
                "Not yet. Pixels are uint8, whole numbers from 0 to 255, and 3 - 5 wraps around to 254. Convert both "
                "to float "
                "first.",
                "Ainda não. Os píxeis são uint8, inteiros de 0 a 255, e 3 - 5 dá a volta e fica 254. Converta ambos "
                "primeiro "
                "para float.",
            ),
        ),
        Mistake(
            lambda image, images: (images.astype(float) - image).reshape(len(images), -1).sum(1).argmin(),
            Text(
                "Not yet. Positive and negative differences cancel: square them first.",
                "Ainda não. As diferenças positivas e negativas anulam-se: eleve-as primeiro ao quadrado.",
            ),
        ),
        Mistake(
            lambda image, images: _distances(image, images).argmax(),
            Text("Not yet: that is the farthest image.", "Ainda não: essa é a imagem mais distante."),
        ),
        Mistake(
            lambda image, images: _distances(image, images).min(),
            Text(
                "Almost: that is the distance. The answer is the index of the image: argmin.",
                "Quase: isso é a distância. A resposta é o índice da imagem: argmin.",
            ),
        ),
    ],
    (IMAGE, IMAGES),
)

EXERCISES = (ONE_STEP, MIX, SEEDS, TO_PIXELS, NEAREST)
