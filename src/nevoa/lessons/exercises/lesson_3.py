"""The exercises of lesson 3, the reverse process."""

import math

import torch
from torch import Tensor

from nevoa.lessons.exercises.exercise import Exercise, Mistake, choice
from nevoa.lessons.text import Text

LARGE_STEP = choice(
    "b",
    Text(
        "Right. In the middle, both peaks are equally probable, and a large step back must choose one of them. No bell "
        "has two tops.",
        "Certo. A meio, os dois picos são igualmente prováveis e um passo grande para trás tem de escolher um. Nenhum "
        "sino tem "
        "dois cumes.",
    ),
    {
        "a": Text(
            "Not yet. A single bell between the peaks would put most points where the data have almost none.",
            "Ainda não. Um só sino entre os picos poria a maioria dos pontos onde quase não há dados.",
        ),
        "c": Text(
            "Not yet. x_t says little, but the data say a lot: they have two peaks.",
            "Ainda não. x_t diz pouco, mas os dados dizem muito: têm dois picos.",
        ),
    },
)

X_0 = torch.tensor([0.5, -1.0, 0.2], dtype=torch.float64)
X_T = torch.tensor([0.1, -0.3, 1.5], dtype=torch.float64)
BETA_T, ALPHA_BAR_T = 0.1, 0.45
ALPHA_BAR_S = ALPHA_BAR_T / (1 - BETA_T)

Pair = tuple[Tensor, float]


def _posterior(x_0: Tensor, x_t: Tensor, beta_t: float, bar_s: float, bar_t: float) -> Pair:
    weight_0 = math.sqrt(bar_s) * beta_t / (1 - bar_t)
    weight_t = math.sqrt(1 - beta_t) * (1 - bar_s) / (1 - bar_t)
    return weight_0 * x_0 + weight_t * x_t, beta_t * (1 - bar_s) / (1 - bar_t)


POSTERIOR = Exercise(
    _posterior,
    Text(
        "Right. The mean is a mixture of x_t and x_0, and the variance does not depend on either.",
        "Certo. A média é uma mistura de x_t e x_0, e a variância não depende de nenhum dos dois.",
    ),
    [
        Mistake(
            lambda x_0, x_t, beta_t, bar_s, bar_t: (_posterior(x_0, x_t, beta_t, bar_s, bar_t)[0], beta_t),
            Text(
                "Almost: the mean is right, but the variance is beta_tilde, which is smaller than beta.",
                "Quase: a média está certa, mas a variância é beta_tilde, que é menor do que beta.",
            ),
        ),
        Mistake(
            lambda x_0, x_t, beta_t, bar_s, bar_t: _posterior(x_t, x_0, beta_t, bar_s, bar_t),
            Text(
                "Not yet: the weights of x_0 and x_t are swapped. A small step moves x_t only a little.",
                "Ainda não: os pesos de x_0 e de x_t estão trocados. Um passo pequeno muda x_t só um pouco.",
            ),
        ),
        Mistake(
            lambda x_0, x_t, beta_t, bar_s, bar_t: (
                _posterior(x_0, x_t, beta_t, bar_s, bar_t)[0],
                _posterior(x_0, x_t, beta_t, bar_s, bar_t)[1] ** 0.5,
            ),
            Text(
                "Almost: you returned the standard deviation. Return the variance.",
                "Quase: devolveu o desvio-padrão. Devolva a variância.",
            ),
        ),
        Mistake(
            lambda x_0, x_t, beta_t, bar_s, bar_t: (
                (bar_s * beta_t * x_0 + (1 - beta_t) * (1 - bar_s) * x_t) / (1 - bar_t),
                beta_t * (1 - bar_s) / (1 - bar_t),
            ),
            Text(
                "Almost: the weights contain the square roots of alpha and of alpha_bar.",
                "Quase: os pesos contêm as raízes quadradas de alpha e de alpha_bar.",
            ),
        ),
    ],
    (X_0, X_T, BETA_T, ALPHA_BAR_S, ALPHA_BAR_T),
)


def _divergence(mean_1: float, variance_1: float, mean_2: float, variance_2: float) -> float:
    ratio = variance_1 / variance_2
    return (ratio - math.log(ratio) - 1 + (mean_1 - mean_2) ** 2 / variance_2) / 2


DIVERGENCE = Exercise(
    _divergence,
    Text(
        "Right. If the variances are fixed, only the squared distance of the means can be learned. That is why "
        "training is a regression.",
        "Certo. Se as variâncias são fixas, só o quadrado da distância entre as médias se pode aprender. É por isso "
        "que o treino é uma regressão.",
    ),
    [
        Mistake(
            lambda m_1, v_1, m_2, v_2: _divergence(m_2, v_2, m_1, v_1),
            Text(
                "Not yet: that is KL(2 || 1). The divergence is not symmetric: the average is over the first "
                "distribution.",
                "Ainda não: isso é KL(2 || 1). A divergência não é simétrica: a média faz-se sobre a primeira "
                "distribuição.",
            ),
        ),
        Mistake(
            lambda m_1, v_1, m_2, v_2: 2 * _divergence(m_1, v_1, m_2, v_2),
            Text("Almost: a factor of 1/2 is missing.", "Quase: falta um fator 1/2."),
        ),
        Mistake(
            lambda m_1, v_1, m_2, v_2: _divergence(m_1, v_1**2, m_2, v_2**2),
            Text(
                "Almost. You treated the arguments as standard deviations; they are variances already.",
                "Quase. Tratou os argumentos como desvios-padrão, mas já são variâncias.",
            ),
        ),
        Mistake(
            lambda m_1, v_1, m_2, v_2: (m_1 - m_2) ** 2 / (2 * v_2),
            Text(
                "Almost: this holds for equal variances only. The other three terms, which compare the variances, are "
                "missing.",
                "Quase: isso só vale para variâncias iguais. Faltam os outros três termos, que comparam as variâncias.",
            ),
        ),
    ],
    (0.3, 0.5, -0.4, 0.8),
)

FROM_V = Exercise(
    lambda v, x_t, signal, noise: (signal * x_t - noise * v, noise * x_t + signal * v),
    Text(
        "Right. It is a rotation, so nothing is divided: v works at every noise level.",
        "Certo. É uma rotação e, por isso, nada se divide: v funciona em todos os níveis de ruído.",
    ),
    [
        Mistake(
            lambda v, x_t, signal, noise: (signal * x_t + noise * v, noise * x_t - signal * v),
            Text(
                "Almost: two signs are wrong. Insert v = signal epsilon - noise x_0 into your line, and see what is "
                "left.",
                "Quase: há dois sinais errados. Substitua v = signal epsilon - noise x_0 na sua linha e veja o que "
                "resta.",
            ),
        ),
        Mistake(
            lambda v, x_t, signal, noise: (noise * x_t + signal * v, signal * x_t - noise * v),
            Text("Almost: you returned epsilon first, then x_0.", "Quase: devolveu primeiro epsilon e só depois x_0."),
        ),
        Mistake(
            lambda v, x_t, signal, noise: ((x_t - noise * v) / signal, v),
            Text(
                "Not yet: that treats v as if it were epsilon.",
                "Ainda não: isso trata v como se fosse epsilon.",
            ),
        ),
    ],
    (torch.tensor([0.7, -1.1], dtype=torch.float64), torch.tensor([0.2, 0.9], dtype=torch.float64), 0.8, 0.6),
)

ONE_IMAGE = choice(
    "small",
    Text(
        "Right. With one image x_0 is known, so the step back is the posterior, whose variance is beta_tilde.",
        "Certo. Com uma só imagem, x_0 é conhecido, e o passo para trás é o da distribuição a posteriori, com a "
        "variância beta_tilde.",
    ),
    {
        "large": Text(
            "Not yet. beta is right for data that are themselves unit Gaussian noise. Here x_0 is certain, which "
            "leaves less "
            "variance.",
            "Ainda não. beta está certo para dados que são eles próprios ruído gaussiano unitário. Aqui x_0 é certo, o "
            "que deixa "
            "menos variância.",
        ),
    },
)

EXERCISES = (LARGE_STEP, POSTERIOR, DIVERGENCE, FROM_V, ONE_IMAGE)
