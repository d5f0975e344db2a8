"""The exercises of lesson 5, training."""

from typing import Any

import torch
from torch import Tensor

from nevoa.lessons.exercises.exercise import Exercise, Mistake, choice
from nevoa.lessons.text import Text

NOTHING = Exercise(
    1.0,
    Text(
        "Right. A loss that stays at 1 is the mark of a network that has learned nothing.",
        "Certo. Uma perda que fica em 1 é a marca de uma rede que não aprendeu nada.",
    ),
    [
        Mistake(
            0.0,
            Text(
                "Not yet. The mean of epsilon is 0, but the errors are squared before the mean is taken.",
                "Ainda não. A média de epsilon é 0, mas os erros elevam-se ao quadrado antes de se fazer a média.",
            ),
        ),
        Mistake(
            0.5,
            Text(
                "Not yet. The mean of the squares of unit Gaussian numbers is their variance.",
                "Ainda não. A média dos quadrados de números gaussianos unitários é a sua variância.",
            ),
        ),
    ],
)

GENERATOR = torch.Generator().manual_seed(0)
X_0, EPSILON = torch.randn(2, 3, 1, 2, 2, generator=GENERATOR).unbind()
SIGNAL = torch.tensor([0.9, 0.6, 0.1]).view(3, 1, 1, 1)
NOISE = (1 - SIGNAL**2).sqrt()
TIMESTEPS = torch.tensor([10, 300, 900])


def _network(x_t: Tensor, t: Tensor) -> Tensor:
    return 0.5 * x_t + t.view(-1, 1, 1, 1) / 1000


def _loss(network: Any, x_0: Tensor, t: Tensor, epsilon: Tensor, signal: Tensor, noise: Tensor) -> Tensor:
    return ((network(signal * x_0 + noise * epsilon, t) - epsilon) ** 2).mean()


LOSS = Exercise(
    _loss,
    Text(
        "Right. This is L_simple, divided by the number of values.",
        "Certo. É L_simple, dividido pelo número de valores.",
    ),
    [
        Mistake(
            lambda network, x_0, t, epsilon, signal, noise: (
                (network(signal * x_0 + noise * epsilon, t) - x_0) ** 2
            ).mean(),
            Text(
                "Not yet: you compare with x_0. The network of the paper predicts the noise.",
                "Ainda não: comparou com x_0. A rede do artigo prevê o ruído.",
            ),
        ),
        Mistake(
            lambda network, x_0, t, epsilon, signal, noise: ((network(x_0, t) - epsilon) ** 2).mean(),
            Text(
                "Not yet: the network gets the noisy image, not the clean one.",
                "Ainda não: a rede recebe a imagem com ruído, e não a limpa.",
            ),
        ),
        Mistake(
            lambda network, x_0, t, epsilon, signal, noise: (
                (network(signal * x_0 + noise * epsilon, t) - epsilon) ** 2
            ).sum(),
            Text(
                "Almost: you took the sum. The mean does not depend on the size of the images.",
                "Quase: fez a soma. A média não depende do tamanho das imagens.",
            ),
        ),
        Mistake(
            lambda network, x_0, t, epsilon, signal, noise: (
                (network(signal * x_0 + noise * epsilon, t) - noise * epsilon) ** 2
            ).mean(),
            Text(
                "Almost: the target is epsilon with variance 1, without the factor.",
                "Quase: o alvo é epsilon com variância 1, sem o fator.",
            ),
        ),
        Mistake(
            lambda network, x_0, t, epsilon, signal, noise: (
                (network(signal * x_0 + noise * epsilon, t) - epsilon).abs().mean()
            ),
            Text("Almost: square the differences.", "Quase: eleve as diferenças ao quadrado."),
        ),
    ],
    (_network, X_0, TIMESTEPS, EPSILON, SIGNAL, NOISE),
)

FLAT = choice(
    "b",
    Text(
        "Right. Most of the loss is doubt about x_0 that no network can remove.",
        "Certo. A maior parte da perda é dúvida sobre x_0 que nenhuma rede consegue tirar.",
    ),
    {
        "a": Text(
            "Not yet. That would be likely if it fell and the images became worse. Look at the loss by timestep.",
            "Ainda não. Isso seria provável se descesse e as imagens piorassem. Veja a perda por passo de tempo.",
        ),
        "c": Text(
            "Not yet. Chance makes the curve jagged, but better images for an hour are no chance.",
            "Ainda não. O acaso torna a curva irregular, mas imagens cada vez melhores durante uma hora não são acaso.",
        ),
    },
)

AVERAGE = Exercise(
    lambda average, weight, decay: decay * average + (1 - decay) * weight,
    Text(
        "Right. With a decay of 0 it is the weight itself, with 1 it never changes.",
        "Certo. Com um decaimento de 0 é o próprio peso; com 1 nunca muda.",
    ),
    [
        Mistake(
            lambda average, weight, decay: (1 - decay) * average + decay * weight,
            Text(
                "Not yet: the two are swapped. With a decay near 1 the average changes slowly.",
                "Ainda não: estão trocados. Com um decaimento próximo de 1, a média muda devagar.",
            ),
        ),
        Mistake(
            lambda average, weight, decay: decay * average + weight,
            Text(
                "Almost: the shares must sum to 1, or the average grows with every update.",
                "Quase: as partes têm de somar 1; senão, a média cresce em cada atualização.",
            ),
        ),
        Mistake(
            lambda average, weight, decay: (average + weight) / 2,
            Text("Not yet: the shares are decay and 1 - decay.", "Ainda não: as partes são decay e 1 - decay."),
        ),
    ],
    (torch.tensor([1.0, -0.5], dtype=torch.float64), torch.tensor([0.2, 0.3], dtype=torch.float64), 0.9),
)

FORGETTING = Exercise(
    459,
    Text(
        "Right. A short training must begin with a smaller decay.",
        "Certo. Um treino curto tem de começar com um decaimento menor.",
    ),
    [
        Mistake(
            458,
            Text(
                "Almost: after 458 updates the share is still a little above 1 %.",
                "Quase: após 458 atualizações a parte está ainda um pouco acima de 1 %.",
            ),
        ),
        Mistake(
            99,
            Text(
                "Not yet. The share is multiplied by 0.99 each time, not reduced by 0.01.",
                "Ainda não. A parte é multiplicada por 0,99 de cada vez, e não reduzida em 0,01.",
            ),
        ),
        Mistake(
            100,
            Text(
                "Not yet: after 100 updates 0.99^100 = 37 % of it is still there.",
                "Ainda não: após 100 atualizações ainda lá está 0,99^100 = 37 %.",
            ),
        ),
    ],
)

NEXT_NUMBER = Exercise(
    2**-7,
    Text(
        "Right. A step of less than half of that, 0.0039, leaves a weight of 1 where it is.",
        "Certo. Um passo menor do que metade disso, 0,0039, deixa um peso de 1 onde está.",
    ),
    [
        Mistake(
            2**-8,
            Text(
                "Almost: with 7 digits after the point, the last one is worth 2^-7.",
                "Quase: com 7 algarismos depois da vírgula, o último vale 2^-7.",
            ),
        ),
        Mistake(
            2**-10,
            Text(
                "Not yet: that is float16, which has 10 digits.",
                "Ainda não: isso é o float16, que tem 10 algarismos.",
            ),
        ),
        Mistake(
            1 + 2**-7,
            Text(
                "Almost: that is the number itself. The distance was asked for.",
                "Quase: isso é o próprio número. Pediu-se a distância.",
            ),
        ),
    ],
)

EXERCISES = (NOTHING, LOSS, FLAT, AVERAGE, FORGETTING, NEXT_NUMBER)
