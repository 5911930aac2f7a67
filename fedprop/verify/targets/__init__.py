"""What a user points at: names, files, callables and other libraries' strategies, as targets that can be asked."""
