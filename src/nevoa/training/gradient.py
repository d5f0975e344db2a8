"""The gradient of a batch: on several threads, in several processes, in pieces that save memory."""

import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import lru_cache

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.func import functional_call

from nevoa._util.random import Stream, generator
from nevoa.config import Plan
from nevoa.diffusion import Denoiser, mapped, sparing
from nevoa.networks import null_condition
from nevoa.networks.dropout import masks_from
from nevoa.objects import NAMES, Objects, loss_of, schedule_of
from nevoa.parallel.device import in_precision
from nevoa.training.feed import Batch
from nevoa.training.optimizer import trained_parameters
from nevoa.training.state import TrainingState
from nevoa.training.threads import backward, cut, parts_for


class Gradient:
    """Computes the gradients of a training's batches, each process those of its share.

    Attributes:
        slices: of the batch, for each thread its pieces.
        share: the slice of the batch that this process computes.
    """

    def __init__(self, state: TrainingState) -> None:
        training = state.plan.training
        self.state, self.threads, self.parts = state, training.threads, _parts(state)
        self.slices = cut(training.batch_size, self.parts, training.accumulation, state.group)
        self.share = slice(self.slices[0][0].start, self.slices[-1][-1].stop)
        self._denoiser = lru_cache(self._denoiser_of)

    def of(self, batch: Batch) -> tuple[Float[Tensor, " N"], Float[Tensor, ""]]:
        """Write the gradient of the mean loss into the networks. Return the loss of each image, and their mean.

        All of it is that of the whole batch, on every process; the mean is scaled as the gradients are.

        Args:
            batch: the share of this process, on its device.
        """
        state, plan, first = self.state, self.state.plan.training, self.share.start
        denoiser, kind = self._denoiser(state.trained), loss_of(plan, state.objects)
        per_image = batch.x_0.new_zeros(plan.batch_size)
        state.network.train()

        def loss(part: slice) -> Tensor:
            own = slice(part.start - first, part.stop - first)
            condition = None if batch.condition is None else mapped(lambda tensor: tensor[own], batch.condition)
            with masks_from(dropout_masks(state, part.start)):
                losses = denoiser.loss(
                    batch.x_0[own], batch.t[own], batch.epsilon[own], kind, plan.weighting, condition
                )
            per_image[part] = losses.detach()
            return state.scaler.scale(losses)

        parameters = [each for name in state.trained for each in trained_parameters(state.networks[name])]
        with _seeded(state, first):
            mean = backward(loss, plan.batch_size, parameters, self.threads, self.slices)
        state.group.add([*(each.grad for each in parameters if each.grad is not None), mean, per_image])
        return per_image, mean

    def _denoiser_of(self, trained: Sequence[str]) -> Denoiser:
        return learner(self.state)


def learner(state: TrainingState) -> Denoiser:
    """The denoiser that the next batch trains."""
    denoisers = {
        name: training_denoiser(state.plan, network, state.objects) for name, network in state.networks.items()
    }
    return state.objective.denoiser(denoisers, state.cooled, math.prod(state.shape[1:]))


def training_denoiser(plan: Plan, network: nn.Module, objects: Objects = NAMES) -> Denoiser:
    """A network as a denoiser, in the plan's precision."""
    # Compiling the call and not the module keeps the names of the weights.
    call: Callable[[Tensor, Tensor], Tensor] = torch.compile(network) if plan.training.compile else sparing(network)
    network_call = in_precision(call, plan.training.device, plan.training.precision)
    return Denoiser(network_call, schedule_of(plan.diffusion, objects), plan.diffusion.prediction)


def _parts(state: TrainingState) -> int:
    """Number of parts of the share, each computed on a thread; 1 if the network has a state that they would share."""
    training = state.plan.training
    parts = parts_for(training.threads, training.batch_size // state.group.count)
    return 1 if state.device != "cpu" or (parts > 1 and _has_state(state)) else parts


def _has_state(state: TrainingState) -> bool:
    """Whether the network draws from torch's generator or changes its buffers, as batch normalization does.

    Found out on two images.
    """
    network = state.network.train()  # as every step does
    x, t = torch.zeros(2, *state.shape), torch.ones(2, dtype=torch.int64)
    condition = null_condition(len(state.plan.classes), state.plan.conditions, 2)
    buffers = {name: tensor.clone() for name, tensor in network.named_buffers()}
    with torch.no_grad(), torch.random.fork_rng(devices=[]), masks_from(dropout_masks(state, 0)):
        before = torch.get_rng_state()
        functional_call(network, buffers, (x, t) if condition is None else (x, t, condition))
        drawn = not torch.equal(torch.get_rng_state(), before)
        return drawn or not all(torch.equal(tensor, buffers[name]) for name, tensor in network.named_buffers())


def dropout_masks(state: TrainingState, first: int) -> torch.Generator | None:
    """The generator of masks for a part of the batch that begins with image `first` of it.

    None, for torch's own, where nothing is computed in parts, and in a compiled network.
    """
    training = state.plan.training
    if training.device != "cpu" or training.compile:
        return None
    seed = generator(training.seed, Stream.MASKS, state.images_seen + first).integers(2**63)
    return torch.Generator().manual_seed(int(seed))


@contextmanager
def _seeded(state: TrainingState, first: int) -> Iterator[None]:
    """Seed torch's generator, from which networks may draw, by the position in the data; restore it afterwards."""
    devices = [torch.cuda.current_device()] if state.device == "cuda" else []
    with torch.random.fork_rng(devices=devices):
        position = state.images_seen + first
        seed = generator(state.plan.training.seed, Stream.DROPOUT, position).integers(2**63)
        torch.manual_seed(int(seed))
        yield
