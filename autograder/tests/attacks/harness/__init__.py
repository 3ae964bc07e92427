"""Where attacks are tried: a course to attack, the two graders, and the table of how both fared."""
