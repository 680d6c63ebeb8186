"""The recipe: every number of a training run, in one validated object. Reading files is `recipe_files`.

Types are strict (``"256"`` is no integer, ``yes`` is no number) and unknown keys are errors, because a
misspelt key that is silently ignored costs a night of training.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

Positive = Annotated[int, Field(ge=1)]
NotNegative = Annotated[int, Field(ge=0)]
Share = Annotated[float, Field(ge=0, le=1)]
Range = Annotated[list[Annotated[float, Field(gt=0)]], Field(min_length=2, max_length=2)]


class Section(BaseModel):
    """What all sections share: strict types, no unknown keys, not changed after reading."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True, allow_inf_nan=False)


class MethodSection(Section):
    """Which method to build, and its options (checked against the method's own signature)."""

    name: str
    options: dict[str, Any] = {}


class PhotometricSection(Section):
    """What another camera would have made of a picture; see `occreid.data.loading.photometric.Photometric`."""

    hue: Share = Field(0.0, description="share of half the colour circle that hues turn by, at most")
    cast: Annotated[float, Field(ge=0, lt=1)] = Field(0.0, description="strength of white-balance changes")
    gamma: Annotated[float, Field(ge=0)] = Field(0.0, description="strength of changes of the tone curve")
    grey: Share = Field(0.0, description="probability that colours are lost")
    blur: Share = Field(0.0, description="probability of a blur")
    low_resolution: Share = Field(0.0, description="probability of a coarser camera")
    noise: Share = Field(0.0, description="probability of sensor noise")


class TransformSection(Section):
    """Augmentation of single images while training."""

    flip: Share = Field(0.5, description="probability of a left-right flip")
    pad: NotNegative = Field(10, description="pixels added on each side before the random crop")
    erase: Share = Field(0.5, description="probability of random erasing")
    erase_area: Range = Field([0.02, 0.4], description="smallest and largest share of the picture that is erased")
    erase_ratio: Range = Field([0.3, 3.33], description="smallest and largest height/width of the erased rectangle")
    color_jitter: Share = Field(0.0, description="strength of brightness, contrast and saturation changes")
    photometric: PhotometricSection | None = Field(None, description="a random camera; null: none")


class ParsingSection(Section):
    """A second stream of pictures with part masks, whose parsing loss is added at every step (HPNet, Eq. 10)."""

    name: str = Field(description="a benchmark whose training images have masks")
    root: str
    options: dict[str, Any] = {}
    mask_root: str | None = Field(None, description="a folder of masks; null: the benchmark's own")
    batch: Positive = Field(32, description="pictures in a batch, per process")
    transform: TransformSection = TransformSection()  # pyright: ignore[reportCallIssue]


class DataSection(Section):
    """Where the pictures are and how they reach the network."""

    name: str = Field(description="a benchmark of `occreid data list`")
    root: str = Field(description="the folder that holds it")
    options: dict[str, Any] = Field({}, description="options of the benchmark's loader, e.g. strict")
    height: Positive = 256
    width: Positive = 128
    p: Annotated[int, Field(ge=2)] = Field(16, description="identities in a batch, per process")
    k: Positive = Field(4, description="images of each identity in a batch; a single one only to learn parsing")
    workers: NotNegative = Field(4, description="loader processes; 0 loads in the training process")
    masks: bool = Field(False, description="read part masks, for methods that use them")
    mask_root: str | None = Field(
        None, description="where the masks are, as `occreid parse` writes them; null: the benchmark's own"
    )
    parsing: ParsingSection | None = Field(None, description="a second stream of pictures, for hpnet and parser")
    validation_ids: NotNegative = Field(
        0, description="training identities held out to choose best.ckpt by; 0: the benchmark's own test part is used"
    )
    transform: TransformSection = TransformSection()  # pyright: ignore[reportCallIssue]


class OptimizerSection(Section):
    """The optimiser, over the method's own parameter groups."""

    name: Literal["adam", "adamw", "sgd"] = "adam"
    lr: Annotated[float, Field(gt=0)] = 3.5e-4
    weight_decay: Annotated[float, Field(ge=0)] = 5e-4
    backbone_factor: Annotated[float, Field(gt=0)] = Field(
        1.0, description="learning rate of the layers that start from the backbone's weights, as a share of the others'"
    )
    momentum: Share = Field(0.9, description="sgd only")
    nesterov: bool = Field(False, description="sgd only")


class ScheduleSection(Section):
    """Learning-rate factor over time: a linear warm-up, then constant, step, cosine or flat-then-cosine.

    ``warmup``, ``milestones`` and ``flat`` are epochs, fractions allowed; ``by`` says whether the factor
    changes once an epoch or with every optimiser step.
    """

    name: Literal["constant", "step", "cosine", "flat_cosine"] = "cosine"
    by: Literal["epoch", "iteration"] = "iteration"
    warmup: Annotated[float, Field(ge=0)] = 0.0
    warmup_factor: Share = Field(0.01, description="factor at the first step of the warm-up")
    warmup_end: Share = Field(1.0, description="factor the warm-up rises to; below 1 the rate jumps after it")
    milestones: list[float] = Field([], description="step: multiply by gamma after these epochs")
    gamma: Annotated[float, Field(gt=0, le=1)] = 0.1
    flat: Annotated[float, Field(ge=0)] = Field(0.0, description="flat_cosine: epochs before the cosine starts")
    final_factor: Share = Field(0.0, description="cosine, flat_cosine: factor at the end")

    @model_validator(mode="after")
    def _shape(self) -> ScheduleSection:
        if self.milestones != sorted(set(self.milestones)) or any(m <= 0 for m in self.milestones):
            raise ValueError("milestones should rise and be above 0")
        if self.name == "step" and not self.milestones:
            raise ValueError("the step schedule needs milestones, e.g. [40, 70]")
        if self.name != "step" and self.milestones:
            raise ValueError(f"milestones belong to the step schedule, not to {self.name}")
        if self.name != "flat_cosine" and self.flat:
            raise ValueError(f"flat belongs to the flat_cosine schedule, not to {self.name}")
        if self.warmup_end < self.warmup_factor:
            raise ValueError("warmup_end should not be below warmup_factor")
        return self


def _off(value: Any) -> Any:
    return None if value is False or value == "off" else value


class TrainingSection(Section):
    """The loop."""

    epochs: Positive = 120
    stage_epochs: dict[str, Positive] = Field({}, description="epochs of single stages; others train `epochs`")
    precision: Literal["auto", "float32", "bf16", "fp16"] = Field("float32", description="auto: what is fastest here")
    memory_format: Literal["auto", "contiguous", "channels_last"] = Field(
        "contiguous", description="of images and weights; auto: what is fastest here"
    )
    accumulate: Positive = Field(1, description="batches per optimiser step")
    ema: Annotated[Annotated[float, Field(gt=0, lt=1)] | None, BeforeValidator(_off)] = Field(
        None, description="decay of the moving average of the weights, or off"
    )
    ema_warmup: NotNegative = Field(
        10, description="w: until it has reached `ema`, the decay is (1 + n)/(w + n) after n steps; 0: `ema` at once"
    )
    compile: bool = Field(False, description="let torch.compile have the losses; needs a C++ compiler, on a GPU Triton")
    freeze_stages: Annotated[int, Field(ge=0, le=4)] | None = Field(
        None, description="stages of the backbone that stay as they start, 0: its stem alone; null: none"
    )
    freeze_epochs: NotNegative = Field(0, description="epochs at the start during which the backbone is frozen")
    keep_statistics: bool = Field(
        False, description="batch normalisation in the backbone keeps the mean and variance it starts with"
    )
    grad_clip: Annotated[float, Field(gt=0)] | None = Field(None, description="largest gradient norm, or null")
    evaluate_every: NotNegative = Field(10, description="epochs between evaluations; 0: only at the end")
    checkpoint_every: Positive = Field(1, description="epochs between checkpoints")
    seed: NotNegative = 0
    accelerator: Literal["auto", "cpu", "cuda", "mps"] = "auto"
    devices: Positive = Field(1, description="processes on this machine, one device each")
    nodes: Positive = 1
    sync_batchnorm: bool = False
    deterministic: bool = Field(False, description="refuse operations that are not deterministic (CUDA)")
    init_from: str | None = Field(None, description="weights to start from; set by --init-from")
    test_only: bool = Field(False, description="train nothing: test init_from with this recipe's options and protocol")


class TestSet(Section):
    """A further benchmark to test on (cross-domain)."""

    __test__ = False  # not a test class, whatever pytest thinks of the name
    name: str
    root: str
    options: dict[str, Any] = {}


class EvaluationSection(Section):
    """The protocol; see `occreid.retrieval.evaluate`."""

    same_camera: Literal["junk", "keep"] | None = Field(None, description="null: what the benchmark's protocol says")
    ap: Literal["step", "trapezoid"] = "step"
    ranks: list[Positive] = [1, 3, 5, 10, 20]
    shots: Literal["multi", "single"] = "multi"
    draws: Positive = Field(10, description="single: number of random galleries")
    batch_size: Positive = 64
    flip_test: bool = Field(False, description="describe pictures together with their mirror images: twice the time")
    test: list[TestSet] = Field([], description="further benchmarks, tested at the end")


class Recipe(Section):
    """A training run. Equal recipes on the same machine give equal weights."""

    method: MethodSection
    data: DataSection
    optimizer: OptimizerSection = OptimizerSection()  # pyright: ignore[reportCallIssue]
    schedule: ScheduleSection = ScheduleSection()  # pyright: ignore[reportCallIssue]
    training: TrainingSection = TrainingSection()  # pyright: ignore[reportCallIssue]
    evaluation: EvaluationSection = EvaluationSection()  # pyright: ignore[reportCallIssue]

    @model_validator(mode="after")
    def _fits(self) -> Recipe:
        if self.schedule.warmup >= self.training.epochs:
            raise ValueError(
                f"schedule.warmup ({self.schedule.warmup:g}) should be shorter than "
                f"training.epochs ({self.training.epochs})"
            )
        if self.training.freeze_epochs >= self.training.epochs:
            raise ValueError(
                f"training.freeze_epochs ({self.training.freeze_epochs}) should be less than "
                f"training.epochs ({self.training.epochs}), or the backbone never trains"
            )
        if self.training.test_only and self.training.init_from is None:
            raise ValueError("training.test_only is true, but training.init_from names no weights to test")
        if self.data.mask_root is not None and not self.data.masks:
            raise ValueError("data.mask_root names a folder of masks, but data.masks is false")
        return self
