"""The assistant of the offline model: requests in plain English to tool calls. Imports offline."""
