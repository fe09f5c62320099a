"""A metric of cells that is learnt from benchmarks; see README.md."""

TEACHERS = {
    "nas-robbench-201": (
        "nas-robbench-201/cifar10/fgsm-3",
        "nas-robbench-201/imagenet16-120/pgd-8",
        "nas-robbench-201/cifar100/autoattack-8",
        "nas-robbench-201/imagenet16-120/clean",
        "nas-robbench-201/cifar10/clean",
        "nas-robbench-201/cifar100/pgd-3",
    ),
    "jung2023": (
        "jung2023/cifar100/pgd-1",
        "jung2023/cifar10/square-1",
        "jung2023/cifar100/corruptions",
        "jung2023/imagenet16-120/fgsm-1",
        "jung2023/cifar10/pgd-2",
        "jung2023/cifar10/fgsm-2",
        "jung2023/imagenet16-120/pgd-1",
        "jung2023/cifar10/clean",
        "jung2023/cifar100/square-1",
    ),
}
"""The design targets that teach, by benchmark."""
