"""Configure the course for nbgrader, formgrader and autograder."""

import os

from autograder import hooks
from autograder.distribution import pinned

c = get_config()  # noqa: F821  (traitlets defines it)
hooks.configure(c)  # nbgrader's own commands then release and grade as autograder does

# The instructor edits solutions/; notebooks/ is generated from it.
c.CourseDirectory.course_id = "rnn"
c.CourseDirectory.source_directory = "solutions"
c.CourseDirectory.release_directory = "notebooks"

# The text that replaces a solution in a released notebook.
c.ClearSolutions.code_stub = {"python": "# put your answer in place of ..."}
c.ClearSolutions.text_stub = "*Write your answer here, in one or two sentences.*"

# To give each student different sizes, set a salt (any text). Notebooks then ask for the student's id.
c.Personalization.cls = "autograder.rnn.own_numbers.OwnNumbers"
#   c.Personalization.salt = "rnn 2027"

# These assignments are released and run like the others, but not graded.
c.Course.ungraded = ["explorations"]

# Tests read the model from the student's notebook. Its weights must make the arrays, which are computed again when
# a notebook is graded. The layers are only passed to `check`, which leaves the judging to the tests then.
c.Release.from_student = ["model", "lstm", "gru"]

# The packages that students install: the versions that the notebooks were made with.
c.Course.requirements = pinned("learn")
c.Handout.readme = "solutions/handout.md"

# The modules to load before a kernel starts, including those that `summary`, `predict` and `explore` import later.
c.Limits.preload = [
    *("numpy", "numpy.random", "numpy.testing", "tensorflow", "keras", "rich._emoji_codes", "ipywidgets"),
    *(f"tensorflow.python.data.ops.{name}_op" for name in ("concatenate", "flat_map", "from_tensors", "range", "zip")),
]
c.Limits.environment = ["TF_CPP_MIN_LOG_LEVEL", "TF_ENABLE_ONEDNN_OPTS"]
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # as the setup cells: no log lines among a cell's outputs

# Configure TensorFlow as the notebooks' setup cell does. Also run it eagerly and without rewriting graphs: `predict`
# then takes half the time and returns exactly the same numbers.
c.Limits.prepare = """
import os, warnings
os.environ["TF_ENABLE_ONEDNN_OPTS"] = "0"
import tensorflow
tensorflow.config.run_functions_eagerly(True)
tensorflow.config.threading.set_inter_op_parallelism_threads(1)
tensorflow.config.threading.set_intra_op_parallelism_threads(1)
tensorflow.config.optimizer.set_experimental_options({"disable_meta_optimizer": True})
warnings.filterwarnings("ignore", "Even though the .tf.config")
"""

# The gradebook is the file gradebook.db in this folder, or a PostgreSQL database (see the docs, Operations):
#   c.CourseDirectory.db_url = "postgresql://teacher@db.example.org/rnn"

# Limits of a notebook while it is graded, with their defaults (autograder/course/limits.py lists all of them).
#   c.Limits.cell_seconds = 60
#   c.Limits.memory = 3 << 30

# When each assignment is due, and how many points a late submission loses: none ("none"), all ("zero"), or a
# percentage of its score for each started day, with the plugin below.
#   c.Course.due_dates = {"rnn_shapes": "2027-01-31 23:59 UTC"}
#   c.AssignLatePenalties.plugin_class = "autograder.gradebook.late_policy.DailyPenalty"
#   c.DailyPenalty.percent_per_day = 10
