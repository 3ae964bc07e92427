"""What hostile, and unlucky, students hand in: one small file an attack.

An attack is a module of constants; its docstring says in one sentence what it tries. All but the docstring is optional:

    NOTEBOOK       "tiny" (numpy alone, naive tests; see harness/tiny.py), "functions" (functions and classes; see
                   harness/functions.py) or one of the course's own, such as "3_gru"
    CELLS          {grade_id: source}: what stands in these cells; all other answers are right ones
    FIRST          source of a cell at the very top
    EXTRA          {grade_id: source}: a cell of the student's own behind that one
    CHANGE         a function that does to the submitted notebook what the above cannot say
    FILES          {name: text or bytes}: files handed in beside the notebook
    SYMLINKS       {name: target}: links handed in
    EXPECT         {question: (word, part of the message)}, with the points as a third where it earns some;
                   the question "*" stands for all
    HONEST         questions that must still earn full marks: all that EXPECT does not name, if left out
    LIMITS         {field of Limits: value}
    SECONDS        within which the submission is to be graded
    IN_A_BROWSER   True: no markup with @MARK@ in it may be alive in what instructor and student open
    DECIDED        True: the test leaves its verdict to an object of the student's, and release names the assertion
    GAIN           in two words, what it means if EXPECT's questions earn marks all the same: "full marks", if left out

In any text, @GRADEBOOK@, @SOURCE@ (the solution), @CLASSMATE@ (another submission), @OUTSIDE@ (a folder where nothing
may appear), @PORT@ (where someone listens) and @MARK@ stand for the real thing. Every process that an attack starts and
that outlives its cell carries @MARK@ in its command line: so it is found, counted against the grader, and ended.
Nothing here does lasting harm where it succeeds: bombs are bounded, and no network beyond the loopback is touched.

`python -m autograder.tests.attacks` runs them all, against plain nbgrader too, and prints the table.
"""
