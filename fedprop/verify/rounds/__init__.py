"""What round machines owe: each accepted update counts exactly once."""
