"""Prices, the ledger and the budgets that read it. Imports protocol and models."""
