"""The console script `f1-rl`: one small module a verb."""
