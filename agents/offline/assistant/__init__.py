"""The assistant of the offline model: turns requests in plain English into tool calls. Imports offline."""
