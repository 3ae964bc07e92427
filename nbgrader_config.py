"""The course as nbgrader, formgrader and autograder see it."""

from autograder import hooks
from autograder.distribution import pinned

c = get_config()  # noqa: F821  (traitlets puts it here)
hooks.configure(c)  # nbgrader's own commands release, restore, run and judge as autograder does

# Where things live: solutions/ is edited by hand, notebooks/ is generated from it.
c.CourseDirectory.course_id = "rnn"
c.CourseDirectory.source_directory = "solutions"
c.CourseDirectory.release_directory = "notebooks"

# What stands in a released notebook where a solution stood.
c.ClearSolutions.code_stub = {"python": "# put your answer in place of ..."}
c.ClearSolutions.text_stub = "*Write your answer here, in one or two sentences.*"

# Each student their own numbers: with a salt, any text, notebooks ask for an id and take their sizes from it.
c.Personalization.cls = "autograder.rnn.own_numbers.OwnNumbers"
#   c.Personalization.salt = "rnn 2027"

# Released and run like the others, but not in the gradebook.
c.Course.ungraded = ["explorations"]

# What the handout tells learners to install: the pins that the notebooks were made with.
c.Course.requirements = pinned("learn")
c.Handout.readme = "solutions/handout.md"

# Kernels find the notebooks' libraries loaded, with what `summary` and `predict` load late.
c.Limits.preload = [
    *("numpy", "numpy.random", "numpy.testing", "tensorflow", "keras", "rich._emoji_codes"),
    *(f"tensorflow.python.data.ops.{name}_op" for name in ("concatenate", "flat_map", "from_tensors", "range", "zip")),
]
c.Limits.environment = ["TF_CPP_MIN_LOG_LEVEL", "TF_ENABLE_ONEDNN_OPTS"]

# Kernels load TensorFlow as the notebooks' own setup asks for it, run it step by step and rewrite no graphs: `predict`
# takes half as long, and gives the same numbers to the last bit.
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

# The gradebook is a file of this folder, gradebook.db; or a PostgreSQL database (see the README):
#   c.CourseDirectory.db_url = "postgresql://teacher@db.example.org/rnn"

# What a notebook may use while it is graded (see autograder/limits.py for all), with the defaults.
#   c.Limits.cell_seconds = 60
#   c.Limits.memory = 3 << 30

# When an assignment is due, by name, and what lateness costs: nothing ("none"), everything ("zero"),
# or a share of the score for each day begun, with the plugin below.
#   c.Course.due_dates = {"rnn_shapes": "2027-01-31 23:59 UTC"}
#   c.AssignLatePenalties.plugin_class = "autograder.gradebook.late_policy.DailyPenalty"
#   c.DailyPenalty.percent_per_day = 10
