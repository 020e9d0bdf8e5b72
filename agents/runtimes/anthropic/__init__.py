"""The Messages API: requests, streams and errors, read without rests. Imports runtimes.base and protocol."""
