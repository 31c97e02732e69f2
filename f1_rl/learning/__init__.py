"""Deep Q-learning on Gymnasium vector environments."""
