"""Collections of models: the verbs of the service, and the only users of the gateway."""
