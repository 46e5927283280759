"""The front door: everything a caller meets, in front of the stages."""
