"""What is measured: costs, memory, and the quality of results."""
