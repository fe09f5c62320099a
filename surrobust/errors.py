"""What a caller may meet. All but the last two are the caller's to mend: exit code 2."""


class SurrobustError(Exception):
    """Base of every exception that the package raises on purpose; its text is one line."""


class InvalidInputError(SurrobustError, ValueError):
    """An argument, document or file is not what was expected."""


class InvalidArchitectureError(InvalidInputError):
    """What was given is not an architecture of the search space."""


class NotFiniteError(InvalidInputError, FloatingPointError):
    """A network's answer is not a finite number, so that nothing can be said of it."""


class MissingMeasurementError(SurrobustError, LookupError):
    """The table has no value for this architecture, target or name."""


class ChecksumError(SurrobustError, ValueError):
    """A file is not the one that was published: its sha256 differs."""


class InvalidModelError(SurrobustError, ValueError):
    """A model folder is incomplete, damaged, or its card and weights do not belong together."""


class NotFittedError(SurrobustError, RuntimeError, ValueError, AttributeError):
    """A predictor was asked before it was fitted.

    Also what scikit-learn's error of that name is, for code that expects either of the two.
    """


class StorageLostError(TimeoutError):
    """What workers share was away, or locked by one that sleeps, for too long: exit code 1."""


class WorkersLostError(RuntimeError):
    """All workers of a search were killed before its budget was spent: exit code 1."""
