"""The history of an account: recorded writes, revisions of personas, and what cannot come back."""
