"""Helpers of all API routers: value types, error responses, pagination, ETags and row versions."""
