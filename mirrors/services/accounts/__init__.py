"""People, organizations, teams, robots and applications; signing in and tokens."""
