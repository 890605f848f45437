"""The state machine: commands in, events out, and one hand that writes."""
