"""Teach a Formula 1 car to drive from its camera, with deep Q-learning.

Importing the package registers `f1_rl/F1Camera-v0` with Gymnasium.
"""

from f1_rl.driving.registration import register_gymnasium_envs

__version__ = "0.1.0"

register_gymnasium_envs()
