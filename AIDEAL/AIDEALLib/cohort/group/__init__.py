"""Figures of a whole cohort: repeatability, agreement, prevalence of steatosis."""
