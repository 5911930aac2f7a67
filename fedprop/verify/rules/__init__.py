"""What rules claim and owe, and what they are asked."""
