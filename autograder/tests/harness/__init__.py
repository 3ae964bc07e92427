"""What several test modules use and no test is: courses, classes, servers, browsers."""
