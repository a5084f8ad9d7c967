"""Assignments from the book's exercises: making them, grading them, proving the graders."""
