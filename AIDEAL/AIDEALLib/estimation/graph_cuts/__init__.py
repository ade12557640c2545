"""The reference method: a smooth field found by graph cuts."""
