"""What is done to a price between a feed and its use: small pure steps, composed left to right (P1)."""
