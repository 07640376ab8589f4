"""on_server.py: what the tests of the Python client share: a server, whose socket
SLOTQ_TEST_SOCKET names, emptied before each test. It must be the tests' own server."""

import logging
import os
import pathlib
import time
import unittest

import redis

import slotq

logging.getLogger("slotq").addHandler(logging.NullHandler())  # a case is a line here
SOCKET = os.environ["SLOTQ_TEST_SOCKET"]
VECTORS = pathlib.Path(__file__).resolve().parents[3] / "tests" / "golden" / "vectors.jsonl"
AT_WAKE = int(os.environ["SLOTQ_AT_WAKE"])  # of the byte that says what clients wait for


def connect(**options):
    """A client of the server."""
    return redis.Redis(unix_socket_path=SOCKET, **options)


def comes_true(condition):
    """Wait until it is true; a safety, not a measure."""
    until = time.monotonic() + 60
    while not condition():
        if time.monotonic() > until:
            return False
        time.sleep(0.02)
    return True


class OnServer(unittest.TestCase):
    """A fresh server for each test."""

    def setUp(self):
        self.client = connect()
        self.client.flushall()
        self.client.script_flush()

    def tearDown(self):
        self.client.close()

    def queue(self, name="jobs", **shape):
        """A new queue."""
        queue = slotq.Queue(self.client, name)
        queue.create(**shape)
        return queue
