"""Models that challenge Black: what they are, and how options are priced under them."""
