"""Runs CPython's own test_socket, then prints a line for each test: its name and its outcome. Reasons go to stderr."""

import sys
import unittest

from test import support, test_socket

# Families for which it depends on the machine and on the modules of its kernel whether there is anything to test.
FOREIGN = "Bluetooth", "CAN", "Hyperv", "ISOTP", "J1939", "QIPCRTR", "RDS", "TIPC", "VSOCK"
# Its clean-up closes the socket, in another thread, while the test may still ask for the socket's name: that test fails
# by chance, more often where asking takes longer.
RACES = "NetworkConnectionAttributesTest.testSourceAddress"

ORDER = "ok", "skipped", "failure", "error"


class Outcomes(unittest.TestResult):
    """The worst that is said of a test counts: its clean-up may fail after it has failed."""

    def __init__(self):
        super().__init__()
        self.outcomes = {}

    def note(self, test, outcome, why=""):
        name = test.id().removeprefix("test.test_socket.")
        known = self.outcomes.setdefault(name, outcome)
        if ORDER.index(outcome) > ORDER.index(known):
            self.outcomes[name] = outcome
        print(name, outcome, why, file=sys.stderr, flush=True)

    def addError(self, test, error):
        self.note(test, "error", repr(error[1]))

    def addFailure(self, test, error):
        self.note(test, "failure", repr(error[1]))

    def addSubTest(self, test, subtest, error):
        if error:
            self.note(test, "failure", repr(error[1]))

    def addSuccess(self, test):
        self.note(test, "ok")

    def addSkip(self, test, reason):
        self.note(test, "skipped", reason)

    def addExpectedFailure(self, test, error):
        self.note(test, "ok")

    def addUnexpectedSuccess(self, test):
        self.note(test, "failure", "unexpected success")


def each(suite):
    for test in suite:
        if isinstance(test, unittest.TestSuite):
            yield from each(test)
        elif not any(family.lower() in test.id().lower() for family in FOREIGN) and not test.id().endswith(RACES):
            yield test


# Without resources: no test that wants the Internet or a long time.
support.use_resources = []
tests = unittest.TestSuite(each(unittest.defaultTestLoader.loadTestsFromModule(test_socket)))
outcomes = Outcomes()
tests.run(outcomes)
for test, outcome in sorted(outcomes.outcomes.items()):
    print(test, outcome)
