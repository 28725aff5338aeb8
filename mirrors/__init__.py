"""The domain of Mirrorfarm: repositories, mirrors, syncs, and the engine that copies."""
