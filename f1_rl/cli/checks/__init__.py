"""What `f1-rl doctor` checks: each check is a function that returns a `Finding`."""
