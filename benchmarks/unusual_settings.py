"""Right settings that few people use, from the signatures of torch, Lightning, torchvision and torchmetrics."""

OPTIMIZERS = """
Adadelta, rho: 0.95, weight_decay: 0
Adadelta, lr: 1, eps: 1e-6, foreach: false
Adagrad, lr_decay: 0.01, initial_accumulator_value: 0.1
Adagrad, lr: 1e-2, maximize: true
Adam, betas: [0, 0.999], eps: 1e-6
Adam, amsgrad: true, foreach: null
Adam, lr: 0, weight_decay: 0
AdamW, betas: [0.9, 0.98], eps: 1e-9, amsgrad: true
AdamW, lr: 3, capturable: false, differentiable: false
AdamW, fused: false, maximize: false, weight_decay: 1
Adamax, betas: [0.8, 0.9], lr: 2e-3
ASGD, lambd: 1e-4, alpha: 0.75, t0: 1e6
NAdam, momentum_decay: 0.004, decoupled_weight_decay: true
NAdam, betas: [0.9, 0.99], weight_decay: 1e-2
RAdam, lr: 1e-3, decoupled_weight_decay: false
RMSprop, alpha: 0.9, momentum: 0.9, centered: true
RMSprop, eps: 1e-10, weight_decay: 0.0
Rprop, etas: [0.5, 1.2], step_sizes: [1e-6, 50]
SGD, lr: 0.1, momentum: 0.9, nesterov: true
SGD, lr: 1, dampening: 0.1, momentum: 0.5
SGD, lr: 1e-3, maximize: true, foreach: true
SGD, lr: 10, weight_decay: 5e-4, momentum: 0
"""

SCHEDULERS = """
StepLR, step_size: 1, gamma: 2
StepLR, step_size: 30, last_epoch: -1
MultiStepLR, milestones: [3, 6], gamma: 0.5
MultiStepLR, milestones: []
ConstantLR, factor: 0.5, total_iters: 0
ConstantLR, factor: 1
LinearLR, start_factor: 0.1, end_factor: 1, total_iters: 4
LinearLR, start_factor: 1, end_factor: 0
ExponentialLR, gamma: 0.99
ExponentialLR, gamma: 1
CosineAnnealingLR, T_max: 10, eta_min: 1e-6
CosineAnnealingLR, T_max: 1
CosineAnnealingWarmRestarts, T_0: 5, T_mult: 2
CosineAnnealingWarmRestarts, T_0: 1, eta_min: 0.001
OneCycleLR, max_lr: 0.1, pct_start: 0.2, anneal_strategy: linear
OneCycleLR, max_lr: 1, three_phase: true, cycle_momentum: false
PolynomialLR, total_iters: 10, power: 0.9
PolynomialLR, power: 2
CyclicLR, base_lr: 0.001, max_lr: 0.1, cycle_momentum: false
CyclicLR, base_lr: 0.001, max_lr: 0.1, mode: exp_range, gamma: 0.99, cycle_momentum: false
"""

TRANSFORMS = """
RandomHorizontalFlip
RandomHorizontalFlip, p: 1
RandomVerticalFlip, p: 0
RandomRotation, degrees: 10
RandomRotation, degrees: [-30, 90], expand: false
ColorJitter, brightness: 0.1
ColorJitter, brightness: [0.8, 1.2], hue: 0
GaussianBlur, kernel_size: 3
GaussianBlur, kernel_size: [3, 5], sigma: [0.1, 2.0]
RandomErasing, p: 0.5, value: random
RandomErasing, scale: [0.02, 0.1], value: 0
RandomCrop, size: 8, padding: 1
RandomCrop, size: [8, 8], padding: [1, 2], padding_mode: reflect
RandomResizedCrop, size: 8, scale: [0.5, 1], antialias: true
RandomAffine, degrees: 0, translate: [0.1, 0.1], scale: [0.9, 1.1]
RandomAffine, degrees: [-5, 5], shear: 10
RandomPerspective, distortion_scale: 0.2
RandomInvert, p: 0.1
RandomSolarize, threshold: 0.5
RandomAutocontrast
RandomGrayscale, p: 0.2
ElasticTransform, alpha: 10, sigma: 2
CenterCrop, size: 8
Pad, padding: 1, fill: 0
Pad, padding: [1, 2, 3, 4], padding_mode: edge
Normalize, mean: [0.5], std: [2]
Normalize, mean: [-1.5], std: [0.1], inplace: true
Resize, size: [8, 8], antialias: false
RandomAdjustSharpness, sharpness_factor: 0
"""

TRAINER = """
max_steps=100 trainer.max_epochs=-1
max_steps=5 trainer.max_epochs=null
max_time={hours:1}
max_time='00:01:00:00'
min_epochs=0
min_epochs=2 trainer.min_steps=1
limit_train_batches=0.1
limit_train_batches=1.0
limit_val_batches=1
limit_test_batches=null
val_check_interval=1.0
val_check_interval=7
val_check_interval=0.25
check_val_every_n_epoch=3
check_val_every_n_epoch=null trainer.val_check_interval=10
num_sanity_val_steps=-1
log_every_n_steps=1000
accumulate_grad_batches=7
gradient_clip_val=0
gradient_clip_val=0.5 trainer.gradient_clip_algorithm=value
gradient_clip_algorithm=norm
deterministic=warn
deterministic=true
benchmark=true
detect_anomaly=true
inference_mode=false
sync_batchnorm=true
precision=64-true
precision=bf16
precision=16-mixed
precision=64
strategy=ddp_find_unused_parameters_true
strategy=single_device
accelerator=gpu
accelerator=mps
devices=2
devices=[0,1] trainer.accelerator=gpu
strategy={_target_:lightning.pytorch.strategies.DDPStrategy,find_unused_parameters:true}
"""

CALLBACKS = """
lightning.pytorch.callbacks.LearningRateMonitor
lightning.pytorch.callbacks.LearningRateMonitor, logging_interval: step, log_momentum: true
lightning.pytorch.callbacks.EarlyStopping, monitor: val/loss
lightning.pytorch.callbacks.EarlyStopping, monitor: val/loss, patience: 0, min_delta: -0.1
lightning.pytorch.callbacks.EarlyStopping, monitor: val/loss, mode: max, stopping_threshold: 0.99
lightning.pytorch.callbacks.EarlyStopping, monitor: train/loss, check_finite: false, verbose: true
lightning.pytorch.callbacks.ModelCheckpoint, save_top_k: -1, filename: all
lightning.pytorch.callbacks.ModelCheckpoint, every_n_epochs: 2, save_top_k: 1
lightning.pytorch.callbacks.ModelCheckpoint, monitor: val/loss, save_top_k: 3, save_weights_only: true
lightning.pytorch.callbacks.RichModelSummary, max_depth: 2
"""

METRICS = """
Accuracy, task: multiclass, num_classes: 3
Accuracy, task: binary, threshold: 0.3, ignore_index: -1
classification.MulticlassAccuracy, num_classes: 10, average: null, top_k: 3
classification.MulticlassF1Score, num_classes: 10, average: weighted
classification.MulticlassAUROC, num_classes: 10, thresholds: 20
classification.MulticlassAUROC, num_classes: 10, thresholds: [0.1, 0.5], average: macro
classification.MultilabelAveragePrecision, num_labels: 4, sync_on_compute: false
classification.BinaryCalibrationError, n_bins: 10, norm: l2
classification.MulticlassConfusionMatrix, num_classes: 3, normalize: "true"
regression.MeanSquaredError, squared: false
regression.R2Score, multioutput: raw_values
regression.MinkowskiDistance, p: 3
text.WordErrorRate
text.BLEUScore, n_gram: 2, smooth: true, weights: [0.5, 0.5]
text.Perplexity, ignore_index: -100, compute_on_cpu: true
audio.SignalNoiseRatio, zero_mean: true, dist_sync_on_step: false
MeanMetric, nan_strategy: 0.0
MeanMetric, nan_strategy: ignore, sync_on_compute: true
"""

NETWORKS = """
resnet50, zero_init_residual: true, width_per_group: 128
resnet18, replace_stride_with_dilation: [false, true, true]
mobilenet_v3_small, width_mult: 0.5, dropout: 0
densenet121, bn_size: 2, memory_efficient: true
efficientnet_b0, stochastic_depth_prob: 0.1
convnext_tiny, layer_scale: 1e-6
vgg11, dropout: 0.1, init_weights: false
shufflenet_v2_x0_5, progress: false
squeezenet1_1, dropout: 0.9
regnet_y_400mf, progress: false
swin_t, attention_dropout: 0.1
maxvit_t, progress: false
googlenet, aux_logits: false, init_weights: true
"""


def _lines(text: str) -> list[str]:
    return text.strip().splitlines()


def _nodes(key: str, prefix: str, text: str, more: str = "") -> list[list[str]]:
    return [[f"{key}{{_target_: {prefix}{line}{more}}}"] for line in _lines(text)]


def unusual(experiment: str) -> list[list[str]]:
    """Settings for an experiment that classifies images, one or a few at a time."""
    transforms = [[f"{words[0]}]"] for words in _nodes("data.augment=[", "torchvision.transforms.v2.", TRANSFORMS)]
    settings = [
        *_nodes("model.optimizer=", "torch.optim.", OPTIMIZERS),
        *_nodes("model.scheduler=", "torch.optim.lr_scheduler.", SCHEDULERS),
        *transforms,
        *(
            [f"trainer.{word}" if place == 0 else word for place, word in enumerate(line.split(" "))]
            for line in _lines(TRAINER)
        ),
        *_nodes("callbacks.another=", "", CALLBACKS),
        *_nodes("callbacks.metric=", "torchmetrics.", METRICS),
        *_nodes("model.network.builder=", "torchvision.models.", NETWORKS),
    ]
    chosen = {"model.network.builder": "model=vision/torchvision"}
    return [
        [f"experiment={experiment}", *(chosen[key] for key in chosen if words[0].startswith(key)), *words]
        for words in settings
    ]
