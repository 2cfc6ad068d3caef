"""The constants of the endpointing: observed, fitted and pictured."""
