"""Tools of MCP servers (Model Context Protocol): discovered, reviewed by a person, then offered to profiles.

Servers are not trusted: a tool is offered only in the version that was allowed, instructions of servers are
ignored, results are limited text. The package `mcp` takes seconds to import, so only `client`, `stdio` and
`http` import it, and they are imported in a thread when a server is first needed.
"""
