"""Tools of other programs, over the Model Context Protocol: found, looked at by a person, then offered.

Nothing that a server says is believed: its tools are offered as they were when somebody allowed them, its
instructions are not read, its results are bounded text. The package `mcp` takes seconds to import, so only
`client`, `stdio` and `web` do that, and they are imported in a thread when a server is first needed.
"""
