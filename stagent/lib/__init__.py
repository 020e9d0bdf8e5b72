"""Shared helpers that know no app and no model of ours."""
