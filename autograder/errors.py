"""The one exception that a user may see: a sentence that names the file, what is wrong and what to do."""


class CourseError(Exception):
    """A foreseeable fault of a course, a submission or the machine; the message is one sentence for its reader."""
