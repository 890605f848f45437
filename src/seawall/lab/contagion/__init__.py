"""How one failure becomes many: clearing, fire sales, liquidation cascades. Floats; nothing decides."""
