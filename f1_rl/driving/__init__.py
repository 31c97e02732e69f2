"""The driving task: observation, actions, rewards, endings, metrics and the environments."""
