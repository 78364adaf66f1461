"""The company's forecast: accounts summed, new business, bands, reconciliation, families."""
