"""How many GPUs, how long a wait, what price: the autoscaled system simulated from measured stage costs."""
