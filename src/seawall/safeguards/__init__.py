"""Circuit breakers, gates, overrides and governed parameters (P13): what is forbidden, and until when."""
