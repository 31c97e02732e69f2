"""A node that hears what another one publishes, and calls its services."""

import time

from f1_rl.ros.graph import Graph
from f1_rl.ros.qos import lossless


class Listener:
    def __init__(self, namespace):
        self.graph = Graph("listener", namespace=namespace)
        self.came = {}

    def listen(self, kind, topic, quality=None):
        messages = self.came.setdefault(topic, [])
        self.graph.node.create_subscription(kind, topic, messages.append, quality or lossless(50))
        return messages

    def wait_for(self, topic, count, timeout_s=20.0):
        until = time.monotonic() + timeout_s
        while len(self.came[topic]) < count:
            assert time.monotonic() < until, f"{len(self.came[topic])} of {count} on {topic}"
            time.sleep(0.01)
        return self.came[topic]

    def call(self, kind, name, request):
        client = self.graph.node.create_client(kind, name)
        return self.graph.call(client, request, time.monotonic() + 20.0)
