"""Websockets: consumers, subscriptions, resume. Imports transitions and below."""
