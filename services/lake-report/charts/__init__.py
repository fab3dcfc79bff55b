"""Answers as drawings, and values as people read them. Reads no lake, knows no page."""
