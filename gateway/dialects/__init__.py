"""The hosted routes' own ways to say the same: WaveSpeed, fal, Replicate and sync.so."""
