"""The API's description for people to read and try."""
