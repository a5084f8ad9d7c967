"""The command `convac`: the library's answers without writing Python."""
