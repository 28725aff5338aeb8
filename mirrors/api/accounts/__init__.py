"""People, organizations, teams, robots and applications."""
