"""What happened to a persona: intents, outcomes, revisions."""
