"""How good a dubbed video is: mouth, synchrony, picture. Numbers are explained in docs/quality.md."""
