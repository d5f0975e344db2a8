"""The exercises of lesson 6, sampling and measuring."""

import torch
from torch import Tensor

from nevoa.lessons.exercises.exercise import Exercise, Mistake, choice
from nevoa.lessons.text import Text

X_T = torch.tensor([0.4, -1.3, 0.9], dtype=torch.float64)
X_0 = torch.tensor([0.5, -0.8, 0.1], dtype=torch.float64)


def _ddim(x_t: Tensor, x_0: Tensor, signal_t: float, noise_t: float, signal_s: float, noise_s: float) -> Tensor:
    return signal_s * x_0 + noise_s * (x_t - signal_t * x_0) / noise_t


DDIM_STEP = Exercise(
    _ddim,
    Text(
        "Right. Take apart, put together anew: that is all of DDIM.",
        "Certo. Desmontar e voltar a montar: é todo o DDIM.",
    ),
    [
        Mistake(
            lambda x_t, x_0, signal_t, noise_t, signal_s, noise_s: x_t,
            Text(
                "Not yet: you put the parts together with the proportions of t. You want to get to s.",
                "Ainda não: montou as partes com as proporções de t. Queremos chegar a s.",
            ),
        ),
        Mistake(
            lambda x_t, x_0, signal_t, noise_t, signal_s, noise_s: signal_s * x_0 + noise_s * x_t,
            Text(
                "Not yet: x_t is not the noise. Subtract its image first, then divide by the noise scale.",
                "Ainda não: x_t não é o ruído. Subtraia primeiro a parte da imagem e divida pela escala do ruído.",
            ),
        ),
        Mistake(
            lambda x_t, x_0, signal_t, noise_t, signal_s, noise_s: signal_s * x_0 + noise_s * (x_t - signal_t * x_0),
            Text(
                "Almost: divide by noise_t, so that epsilon has variance 1.",
                "Quase: divida por noise_t, para que epsilon tenha variância 1.",
            ),
        ),
        Mistake(
            lambda x_t, x_0, signal_t, noise_t, signal_s, noise_s: signal_s * x_0,
            Text(
                "Not yet: at s there is still noise. Add the guessed one, scaled for s.",
                "Ainda não: em s ainda há ruído. Some o ruído estimado, com a escala de s.",
            ),
        ),
    ],
    (X_T, X_0, 0.6, 0.8, 0.8, 0.6),
)

SAME_NOISE = choice(
    "a",
    Text(
        "Right. DDIM follows a curve that the noise decides. Fewer steps follow the same curve less exactly.",
        "Certo. O DDIM segue uma curva que o ruído decide. Com menos passos segue a mesma curva com menos exatidão.",
    ),
    {
        "b": Text(
            "Not yet. That is so for DDPM, which adds fresh noise. DDIM adds none.",
            "Ainda não. Isso é o que acontece com o DDPM, que junta ruído novo. O DDIM não junta nenhum.",
        ),
        "c": Text(
            "Not yet. The last step always ends at t = 0, without noise.",
            "Ainda não. O último passo acaba sempre em t = 0, sem ruído.",
        ),
    },
)


def _frechet(m_1: float, v_1: float, m_2: float, v_2: float) -> float:
    return (m_1 - m_2) ** 2 + v_1 + v_2 - 2 * (v_1 * v_2) ** 0.5


DISTANCE = Exercise(
    _frechet,
    Text(
        "Right. It is a squared distance: of the means, and of the standard deviations.",
        "Certo. É o quadrado de uma distância: a das médias e a dos desvios-padrão.",
    ),
    [
        Mistake(
            lambda m_1, v_1, m_2, v_2: (m_1 - m_2) ** 2 + (v_1 - v_2) ** 2,
            Text(
                "Almost: the standard deviations are compared, not the variances.",
                "Quase: o que se compara são os desvios-padrão, e não as variâncias.",
            ),
        ),
        Mistake(
            lambda m_1, v_1, m_2, v_2: _frechet(m_1, v_1, m_2, v_2) - (m_1 - m_2) ** 2 + abs(m_1 - m_2),
            Text("Almost: square the difference of the means.", "Quase: eleve ao quadrado a diferença das médias."),
        ),
        Mistake(
            lambda m_1, v_1, m_2, v_2: _frechet(m_1, v_1, m_2, v_2) ** 0.5,
            Text(
                "Almost: the formula above has no root around it.",
                "Quase: na fórmula acima não há uma raiz a envolver tudo.",
            ),
        ),
        Mistake(
            lambda m_1, v_1, m_2, v_2: (m_1 - m_2) ** 2 + v_1 + v_2 - 2 * v_1 * v_2,
            Text("Almost: the root of the product is missing.", "Quase: falta a raiz do produto."),
        ),
    ],
    (0.3, 0.5, -0.4, 1.2),
)

CONDITIONAL = torch.tensor([0.2, -0.7], dtype=torch.float64)
UNCONDITIONAL = torch.tensor([0.5, 0.1], dtype=torch.float64)

GUIDED = Exercise(
    lambda conditional, unconditional, weight: unconditional + weight * (conditional - unconditional),
    Text(
        "Right. With weight 1 it is the conditional prediction, with 0 the other.",
        "Certo. Com peso 1 é a previsão condicional; com 0, a outra.",
    ),
    [
        Mistake(
            lambda conditional, unconditional, weight: conditional + weight * (conditional - unconditional),
            Text(
                "Almost: you start from the conditional prediction. That is the w of the paper, which is smaller by 1.",
                "Quase: partiu da previsão condicional. Esse é o w do artigo, uma unidade menor.",
            ),
        ),
        Mistake(
            lambda conditional, unconditional, weight: unconditional + weight * (unconditional - conditional),
            Text(
                "Not yet: the sign is wrong, and you go away from the label.",
                "Ainda não: o sinal está errado, e assim afasta-se da etiqueta.",
            ),
        ),
        Mistake(
            lambda conditional, unconditional, weight: weight * conditional,
            Text(
                "Not yet: this makes the prediction larger, not more typical. Use the difference of the two.",
                "Ainda não: isso torna a previsão maior, e não mais típica. Use a diferença entre as duas.",
            ),
        ),
    ],
    (CONDITIONAL, UNCONDITIONAL, 3.0),
)

CLAIM = choice(
    "b",
    Text(
        "Right. Measure both with the same number of images, and give the floor.",
        "Certo. Meça ambos com o mesmo número de imagens e indique o mínimo de referência.",
    ),
    {
        "a": Text(
            "Not yet. Look at the table of real images: what happens to the distance when there are fewer?",
            "Ainda não. Veja a tabela das imagens reais: o que acontece à distância quando são menos?",
        ),
        "c": Text(
            "Not yet. It is a distance from real images: smaller is better.",
            "Ainda não. É uma distância às imagens reais: quanto menor, melhor.",
        ),
    },
)

EXERCISES = (DDIM_STEP, SAME_NOISE, DISTANCE, GUIDED, CLAIM)
