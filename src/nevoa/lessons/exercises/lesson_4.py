"""The exercises of lesson 4, the network."""

import torch
from torch import Tensor

from nevoa.lessons.exercises.exercise import Exercise, Mistake, choice
from nevoa.lessons.text import Text
from nevoa.networks.embedding import sinusoidal

TIMESTEPS, WIDTH = torch.tensor([1, 7, 500]), 8


def _angle(t: Tensor, width: int, divisor: int) -> Tensor:
    return t[:, None] * 10000 ** (-torch.arange(width // 2) / divisor)


def _embedded(angle: Tensor) -> Tensor:
    return torch.cat([angle.sin(), angle.cos()], dim=1)


EMBEDDING = Exercise(
    sinusoidal,
    Text(
        "Right. Each timestep has its own pattern, and neighbours have similar ones.",
        "Certo. Cada passo de tempo tem o seu próprio padrão, e os vizinhos têm padrões parecidos.",
    ),
    [
        Mistake(
            lambda t, width: _embedded(_angle(t, width, width // 2)),
            Text(
                "Almost: the exponent is divided by w/2 - 1, so that the slowest hand has exactly the speed 1/10000.",
                "Quase: o expoente divide-se por w/2 - 1, para que o ponteiro mais lento tenha exatamente a "
                "velocidade 1/10000.",
            ),
        ),
        Mistake(
            lambda t, width: torch.stack(
                [_angle(t, width, width // 2 - 1).sin(), _angle(t, width, width // 2 - 1).cos()], dim=2
            ).flatten(1),
            Text(
                "Almost: you alternate sines and cosines. Put all sines first, then all cosines.",
                "Quase: alternou senos e cossenos. Ponha primeiro todos os senos e depois todos os cossenos.",
            ),
        ),
        Mistake(
            lambda t, width: _angle(t, width, width // 2 - 1).cos().repeat(1, 2),
            Text(
                "Not yet: the first half holds the sines.",
                "Ainda não: a primeira metade contém os senos.",
            ),
        ),
        Mistake(
            lambda t, width: _angle(t, width, width // 2 - 1),
            Text(
                "Not yet: these are the angles. Take their sines and cosines.",
                "Ainda não: isso são os ângulos. Calcule os seus senos e cossenos.",
            ),
        ),
    ],
    (TIMESTEPS, WIDTH),
)

WRONG_TIME = choice(
    "a",
    Text(
        "Right. The network believes that there is little noise, so it keeps most of what it sees.",
        "Certo. A rede julga que há pouco ruído e, por isso, conserva quase tudo o que vê.",
    ),
    {
        "b": Text(
            "Not yet. It would be blurry if the network believed that nearly everything is noise. Here it believes the "
            "opposite.",
            "Ainda não. Ficaria desfocada se a rede julgasse que quase tudo é ruído. Aqui julga o contrário.",
        ),
        "c": Text(
            "Not yet. To invent something, the network would have to distrust the image. Here it trusts it too much.",
            "Ainda não. Para inventar alguma coisa, a rede teria de desconfiar da imagem. Aqui confia demais nela.",
        ),
    },
)

RECEPTIVE_FIELD = Exercise(
    11,
    Text(
        "Right: 3 + 1 + 1 pixels to each side, and the pixel itself.",
        "Certo: 3 + 1 + 1 píxeis para cada lado, e o próprio píxel.",
    ),
    [
        Mistake(
            13,
            Text(
                "Almost. The widths do not add up: count how many pixels each one sees to one side.",
                "Quase. As larguras não se somam: conte quantos píxeis cada uma vê para um dos lados.",
            ),
        ),
        Mistake(
            7,
            Text(
                "Not yet: that is the first convolution alone. The others look at pixels that have looked around "
                "already.",
                "Ainda não: isso é só a primeira convolução. As outras olham para píxeis que já olharam à sua volta.",
            ),
        ),
        Mistake(
            10,
            Text("Almost: count the pixel itself, too.", "Quase: conte também o próprio píxel."),
        ),
        Mistake(
            121,
            Text("Almost: that is the area. The width was asked for.", "Quase: isso é a área. Pediu-se a largura."),
        ),
    ],
)


def _normed(x: Tensor, groups: int, dims: tuple[int, ...] = (2,), unbiased: bool = False) -> Tensor:
    parts = x.unflatten(1, (groups, -1)).flatten(2)
    variance = parts.var(dims, unbiased=unbiased, keepdim=True)
    return ((parts - parts.mean(dims, keepdim=True)) / (variance + 1e-5).sqrt()).view_as(x)


def _without_root(x: Tensor, groups: int) -> Tensor:
    parts = x.unflatten(1, (groups, -1)).flatten(2)
    return ((parts - parts.mean(2, keepdim=True)) / parts.var(2, unbiased=False, keepdim=True)).view_as(x)


GENERATOR = torch.Generator().manual_seed(0)
FEATURES = 2 + torch.randn(2, 6, 2, 2, generator=GENERATOR) * torch.arange(1, 7)[:, None, None]

GROUP_NORM = Exercise(
    _normed,
    Text(
        "Right. Each image is normalized by itself, however noisy the others are.",
        "Certo. Cada imagem é normalizada por si, por mais ruído que as outras tenham.",
    ),
    [
        Mistake(
            lambda x, groups: _normed(x, groups, unbiased=True),
            Text(
                "Almost: norms divide by the number of values, not by one less: unbiased=False.",
                "Quase: a normalização divide pelo número de valores, sem subtrair um: unbiased=False.",
            ),
        ),
        Mistake(
            lambda x, groups: _normed(x, x.shape[1]),
            Text(
                "Not yet: you took the statistics of each channel. A group has several channels in common.",
                "Ainda não: usou as estatísticas de cada canal. Um grupo junta vários canais.",
            ),
        ),
        Mistake(
            lambda x, groups: _normed(x, 1),
            Text(
                "Not yet: you took the statistics over all channels. Split them into groups first.",
                "Ainda não: usou as estatísticas de todos os canais. Separe-os primeiro em grupos.",
            ),
        ),
        Mistake(
            _without_root,
            Text(
                "Almost: you divided by the variance. Divide by its square root.",
                "Quase: dividiu pela variância. Divida pela sua raiz quadrada.",
            ),
        ),
        Mistake(
            lambda x, groups: _normed(x, groups, dims=(0, 2)),
            Text(
                "Not yet: you averaged over the images, too. Each image has statistics of its own.",
                "Ainda não: fez a média também sobre as imagens. Cada imagem tem as suas próprias estatísticas.",
            ),
        ),
    ],
    (FEATURES, 3),
)

TOO_MANY_GROUPS = choice(
    "c",
    Text(
        "Right. The norm subtracts the mean of each channel, and with it what was added for the time.",
        "Certo. A normalização subtrai a média de cada canal e, com ela, o que se somou por causa do tempo.",
    ),
    {
        "a": Text(
            "Not yet. What does the norm do with the mean of a group? And how does the added number change this mean?",
            "Ainda não. O que faz a normalização à média de um grupo? E como é que o número somado altera essa média?",
        ),
        "b": Text(
            "Not yet. Calculate it: add a number to all pixels of a channel, then subtract the mean of the channel.",
            "Ainda não. Faça as contas: some um número a todos os píxeis de um canal e subtraia depois a média do "
            "canal.",
        ),
    },
)

QUERIES, KEYS, VALUES = torch.randn(3, 5, 4, generator=GENERATOR).unbind()

ATTENTION = Exercise(
    lambda q, k, v: (q @ k.T / q.shape[1] ** 0.5).softmax(1) @ v,
    Text(
        "Right. Each row of the result is an average of the values, with weights that sum to 1.",
        "Certo. Cada linha do resultado é uma média dos valores, com pesos que somam 1.",
    ),
    [
        Mistake(
            lambda q, k, v: (q @ k.T).softmax(1) @ v,
            Text(
                "Almost: divide by the square root of d before the softmax.",
                "Quase: divida pela raiz quadrada de d antes do softmax.",
            ),
        ),
        Mistake(
            lambda q, k, v: (q @ k.T / q.shape[1] ** 0.5).softmax(0) @ v,
            Text(
                "Almost: the softmax goes along each row, dim=1: each query shares out a weight of 1.",
                "Quase: o softmax faz-se ao longo de cada linha, dim=1: cada pergunta reparte um peso de 1.",
            ),
        ),
        Mistake(
            lambda q, k, v: (q @ k.T / q.shape[1]).softmax(1) @ v,
            Text(
                "Almost: divide by the square root of d, not by d.",
                "Quase: divida pela raiz quadrada de d, e não por d.",
            ),
        ),
        Mistake(
            lambda q, k, v: q @ k.T / q.shape[1] ** 0.5 @ v,
            Text(
                "Not yet: the softmax is missing. Without it the weights may be negative.",
                "Ainda não: falta o softmax. Sem ele os pesos podem ser negativos.",
            ),
        ),
    ],
    (QUERIES, KEYS, VALUES),
)

EXERCISES = (EMBEDDING, WRONG_TIME, RECEPTIVE_FIELD, GROUP_NORM, TOO_MANY_GROUPS, ATTENTION)
