"""The parts of personas: read, write, attach and delete what a persona points at."""
