"""The documented behaviour of AWS as pure functions: one truth for forecasts and for the sandbox; does no I/O."""
