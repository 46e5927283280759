"""What a job costs, what was charged for it, and how long it may take."""
