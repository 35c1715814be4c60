"""Failures by family: what makes two alike, how families are kept, and their pages."""
