"""Who holds what: integer columns, double entry."""
