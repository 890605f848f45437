"""From a failed margin call to a closed loss: plans and allocations as plain values."""
