"""What an option is worth and the volatility it is priced at: pure functions of numbers, no state."""
