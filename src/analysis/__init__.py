"""Shared functions of the project: notebooks call them and define none of their own."""
