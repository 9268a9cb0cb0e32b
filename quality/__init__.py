"""Arrays in, arrays out: agreement, worker accuracy, consensus and stopping."""
