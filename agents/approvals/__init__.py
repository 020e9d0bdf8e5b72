"""Tool calls that wait for consent, questions to a person, standing approvals. Imports protocol, models, spending."""
