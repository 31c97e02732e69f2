"""The convolutions of our network, for Stable-Baselines3."""

from typing import Any

import torch
from stable_baselines3.common.torch_layers import BaseFeaturesExtractor


class Convolutions(BaseFeaturesExtractor):
    """Convolutions with ReLU, flattened."""

    def __init__(self, observation_space: Any, network: dict[str, Any]) -> None:
        """Build them.

        Args:
            observation_space: Pictures, channels first.
            network: `filters`, `kernels` and `strides`.
        """
        channels = observation_space.shape[0]
        layers: list[Any] = []
        for filters, kernel, stride in zip(
            network["filters"], network["kernels"], network["strides"], strict=True
        ):
            layers += [torch.nn.Conv2d(channels, filters, tuple(kernel), tuple(stride))]
            layers += [torch.nn.ReLU()]
            channels = filters
        convolutions = torch.nn.Sequential(*layers, torch.nn.Flatten())
        with torch.no_grad():
            features = convolutions(torch.zeros(1, *observation_space.shape)).shape[1]
        super().__init__(observation_space, features)
        self.convolutions = convolutions

    def forward(self, observations: Any) -> Any:
        """Return the features `(N, F)` of pictures `(N, C, H, W)`."""
        return self.convolutions(observations)
