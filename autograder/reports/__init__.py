"""Write pages for the class and for each student from the gradebook."""
