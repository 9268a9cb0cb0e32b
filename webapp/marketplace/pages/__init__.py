"""The pages workers see, by subject; each is for the signed-in worker unless it says otherwise."""
