"""The exercises of lesson 2, the forward process."""

import torch
from torch import Tensor

from nevoa.diffusion import NoiseSchedule, log_snr_of
from nevoa.lessons.exercises.exercise import Exercise, Mistake
from nevoa.lessons.text import Text

BETA = NoiseSchedule.linear(1000).beta

GROWTH = Exercise(
    21.0,
    Text(
        "Right: 1 + 1000 x 0.02. With the factor, the variance stays 1 for ever.",
        "Certo: 1 + 1000 x 0,02. Com o fator, a variância fica sempre em 1.",
    ),
    [
        Mistake(
            20.0,
            Text(
                "Almost: you forgot the variance of the image, which is there from the start.",
                "Quase: esqueceu a variância da imagem, que lá está desde o início.",
            ),
        ),
        Mistake(
            21**0.5,
            Text("Almost: that is the standard deviation.", "Quase: isso é o desvio-padrão."),
        ),
        Mistake(
            1.0,
            Text(
                "Not yet. That is so with the factor. Without it, each step adds 0.02, and nothing takes it away.",
                "Ainda não. Isso é com o fator. Sem ele, cada passo soma 0,02 e nada o retira.",
            ),
        ),
    ],
)

SUM = Exercise(
    1.0,
    Text(
        "Right: the variances add up, 0.36 + 0.64 = 1. The proof of the closed form needs nothing else.",
        "Certo: as variâncias somam-se, 0,36 + 0,64 = 1. A demonstração da forma fechada não precisa de mais nada.",
    ),
    [
        Mistake(
            1.4,
            Text(
                "Not yet. Standard deviations do not add up: independent errors partly cancel. Add the variances.",
                "Ainda não. Os desvios-padrão não se somam: erros independentes anulam-se em parte. Some as "
                "variâncias.",
            ),
        ),
    ],
)

ALPHA_BAR = Exercise(
    lambda beta: (1 - beta).cumprod(0),
    Text(
        "Right. Since beta at 0 is 0, the table begins with 1, the clean image.",
        "Certo. Como beta em 0 é 0, a tabela começa por 1, a imagem limpa.",
    ),
    [
        Mistake(
            lambda beta: beta.cumprod(0),
            Text(
                "Not yet. beta is the share that is lost; alpha = 1 - beta is the share that is kept. Multiply those.",
                "Ainda não. beta é a parte que se perde; alpha = 1 - beta é a parte que fica. Multiplique essas.",
            ),
        ),
        Mistake(
            lambda beta: 1 - beta.cumsum(0),
            Text(
                "Not yet. Each step keeps a share of what is left, so the shares are multiplied, not added.",
                "Ainda não. Cada passo conserva uma parte do que resta; as partes multiplicam-se, não se somam.",
            ),
        ),
        Mistake(
            lambda beta: (1 - beta).prod(),
            Text(
                "Almost: that is only the last entry. The table has one product for each t: cumprod.",
                "Quase: isso é só a última entrada. A tabela tem um produto para cada t: cumprod.",
            ),
        ),
        Mistake(
            lambda beta: (1 - beta).sqrt().cumprod(0),
            Text(
                "Almost: that is the signal, the square root of alpha_bar.",
                "Quase: isso é o sinal, a raiz quadrada de alpha_bar.",
            ),
        ),
    ],
    (BETA,),
)

X_0 = torch.tensor([[1.0, -1.0, 0.5], [0.0, 0.2, -0.7]], dtype=torch.float64)
EPSILON = torch.tensor([[0.3, -1.2, 0.8], [2.0, 0.1, -0.4]], dtype=torch.float64)
SWAPPED = Text(
    "Not yet: signal and noise are swapped. With alpha_bar near 1, x_t is almost the image.",
    "Ainda não: o sinal e o ruído estão trocados. Com alpha_bar perto de 1, x_t é quase a imagem.",
)


def _noised(x_0: Tensor, alpha_bar: float, epsilon: Tensor) -> Tensor:
    return alpha_bar**0.5 * x_0 + (1 - alpha_bar) ** 0.5 * epsilon


CLOSED_FORM = Exercise(
    _noised,
    Text("Right. A thousand steps in one line.", "Certo. Mil passos numa linha."),
    [
        Mistake(
            lambda x_0, alpha_bar, epsilon: alpha_bar * x_0 + (1 - alpha_bar) * epsilon,
            Text(
                "Almost. alpha_bar and 1 - alpha_bar are variances; the factors of x_0 and epsilon are their square "
                "roots.",
                "Quase. alpha_bar e 1 - alpha_bar são variâncias; os fatores de x_0 e de epsilon são as suas raízes "
                "quadradas.",
            ),
        ),
        Mistake(
            lambda x_0, alpha_bar, epsilon: alpha_bar**0.5 * x_0 + (1 - alpha_bar) * epsilon,
            Text(
                "Almost. 1 - alpha_bar is the variance of the noise, and epsilon is multiplied by its square root.",
                "Quase. 1 - alpha_bar é a variância do ruído, e epsilon multiplica-se pela sua raiz quadrada.",
            ),
        ),
        Mistake(lambda x_0, alpha_bar, epsilon: _noised(epsilon, alpha_bar, x_0), SWAPPED),
        Mistake(
            lambda x_0, alpha_bar, epsilon: alpha_bar**0.5 * x_0 + epsilon,
            Text(
                "Not yet. The noise has its share, too: the square root of 1 - alpha_bar.",
                "Ainda não. O ruído também tem a sua parte: a raiz quadrada de 1 - alpha_bar.",
            ),
        ),
    ],
    (X_0, 0.75, EPSILON),
)


def even_timestep(schedule: NoiseSchedule) -> int:
    """Return the timestep at which the SNR is closest to 1."""
    return int(log_snr_of(schedule)[1:].abs().argmin()) + 1


EVEN = Exercise(
    even_timestep(NoiseSchedule.cosine(1000)),
    Text(
        "Right. It is not quite the middle: the offset 0.008 of the cosine schedule moves it.",
        "Certo. Não é bem o meio: o desvio 0,008 do cronograma cosseno desloca-o.",
    ),
    [
        Mistake(
            500,
            Text(
                "Almost. The middle is near it, but the cosine schedule has an offset. Search the table.",
                "Quase. O meio fica perto, mas o cronograma cosseno tem um desvio. Procure na tabela.",
            ),
        ),
        Mistake(
            even_timestep(NoiseSchedule.cosine(1000)) - 1,
            Text(
                "Almost: you are off by one. Index 0 of the table is the clean image; did you search from index 1?",
                "Quase: falhou por uma unidade. O índice 0 da tabela é a imagem limpa; procurou a partir do índice 1?",
            ),
        ),
        Mistake(
            even_timestep(NoiseSchedule.linear(1000)),
            Text(
                "Not yet: that is the timestep of the linear schedule.",
                "Ainda não: esse é o passo de tempo do cronograma linear.",
            ),
        ),
    ],
)

EXERCISES = (GROWTH, SUM, ALPHA_BAR, CLOSED_FORM, EVEN)
