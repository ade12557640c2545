"""Two visits of a patient: registration, difference of the maps, change of each region, report."""
