"""Graph networks: cells as graphs of what they compute, messages along the data flow."""

from .predictor import GraphNetwork

__all__ = ["GraphNetwork"]
