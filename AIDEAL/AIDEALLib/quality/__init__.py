"""What is wrong with a scan or a map: findings with severity and advice."""
