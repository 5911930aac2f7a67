"""What attacks owe the knowledge that they declare."""
