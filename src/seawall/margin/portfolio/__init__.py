"""Portfolio margin: scenarios, netting, contingencies and levels as data, evaluated by one evaluator."""
