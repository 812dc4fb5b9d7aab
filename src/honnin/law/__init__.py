"""Dated rule table and its evaluator."""
