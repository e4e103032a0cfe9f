"""The ways to the service: AWS through botocore, or the embedded engine in this process.

A channel is one method, `send(operation, request) -> bytes`: JSON out of the service, or one of
our errors. Nothing above a channel knows which of them it talks to.
"""
