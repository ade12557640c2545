"""Results for readers: one page of HTML, one page of PDF, and a viewer, each a file that needs no other."""
