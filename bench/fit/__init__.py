"""Where the constants of the endpointing come from: observed, fitted and pictured."""
