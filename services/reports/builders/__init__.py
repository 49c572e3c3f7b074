"""One builder for each report: from a retailer's facts to its row, the totals and the charts."""
