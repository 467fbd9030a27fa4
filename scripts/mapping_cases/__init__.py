"""Builders of the development cases of the mapping engine, one module for each family of models."""
