"""What pages get of what is shown, and what comes back from them."""

import json
import threading

import pytest

from f1_rl.live.hub import Hub
from f1_rl.live.requests import RequestError
from f1_rl.live.snapshot import Moment, Scene

SEEN = '{"type": "seen"}'
DRIVE = Scene("a drive", "drive", modes=("policy", "manual"), circuits=("oval",))


def taken(watcher) -> list[dict]:
    return [json.loads(text) for text in watcher.take()]


def watching(scene: Scene | None = DRIVE):
    hub = Hub()
    if scene is not None:
        hub.set_scene(scene)
    return hub, hub.join(lambda: None)


def test_who_comes_late_gets_the_scene_all_rows_and_the_newest_moment():
    hub = Hub()
    hub.set_scene(DRIVE)
    for step in range(3):
        hub.show(Moment(time_s=float(step)))
        hub.add_rows([{"table": "metrics", "env_step": step}])
    scene, curve, moment = taken(hub.join(lambda: None))
    assert scene["title"] == "a drive"
    assert [row["env_step"] for row in curve["rows"]] == [0, 1, 2]
    assert moment["time_s"] == 2.0


def test_nothing_is_sent_twice():
    hub, watcher = watching()
    hub.add_rows([{"table": "metrics", "env_step": 1}])
    hub.show(Moment())
    assert len(taken(watcher)) == 3
    assert taken(watcher) == []
    hub.add_rows([{"table": "metrics", "env_step": 2}])
    assert taken(watcher) == [{"type": "curve", "rows": [{"table": "metrics", "env_step": 2}]}]


def test_a_page_that_is_slow_gets_the_newest_moment_and_none_of_those_before():
    hub, watcher = watching(None)
    got = []
    for step in range(10):
        hub.show(Moment(time_s=float(step)))
        got += taken(watcher)
    assert [message["time_s"] for message in got] == [0.0, 1.0]
    assert not hub.awaited
    watcher.receive(SEEN)
    assert hub.awaited
    assert [message["time_s"] for message in taken(watcher)] == [9.0]


def test_pages_do_not_wait_for_one_another():
    hub, slow = watching(None)
    quick = hub.join(lambda: None)
    for step in range(5):
        hub.show(Moment(time_s=float(step)))
        slow.take()
        assert [message["time_s"] for message in taken(quick)] == [float(step)]
        quick.receive(SEEN)


def test_a_moment_is_encoded_once_for_all_pages_and_not_at_all_without(monkeypatch):
    encoded = []
    monkeypatch.setattr(Moment, "as_message", lambda self: encoded.append(self) or {"type": "m"})
    hub = Hub()
    hub.show(Moment())
    assert not encoded
    for _ in range(3):
        hub.join(lambda: None).take()
    assert len(encoded) == 1


def test_it_is_watched_while_a_page_is_open_and_awaited_while_one_is_ready():
    hub = Hub()
    assert not hub.watched
    assert not hub.awaited
    watcher = hub.join(lambda: None)
    assert hub.watched
    assert hub.awaited
    hub.leave(watcher)
    hub.leave(watcher)
    assert not hub.watched
    assert not hub.awaited


def test_whatever_is_new_wakes_the_pages():
    hub, woken = Hub(), []
    hub.join(lambda: woken.append(True))
    hub.set_scene(DRIVE)
    hub.show(Moment())
    hub.add_rows([])
    hub.end("It is over.")
    assert len(woken) == 4


def test_a_new_scene_forgets_the_moment_of_the_old_one():
    hub = Hub()
    hub.show(Moment())
    hub.set_scene(DRIVE)
    assert [message["type"] for message in taken(hub.join(lambda: None))] == ["scene"]


def test_the_end_is_told_once_to_everybody():
    hub, watcher = watching(None)
    hub.end("The run is over.")
    assert taken(watcher) == [{"type": "end", "status": "The run is over."}]
    assert taken(watcher) == []
    assert taken(hub.join(lambda: None))[-1]["status"] == "The run is over."


def test_of_a_long_run_each_table_is_thinned_and_keeps_its_last_row():
    hub = Hub()
    hub.add_rows([{"table": "metrics", "env_step": step} for step in range(10_000)])
    hub.add_rows([{"table": "evaluations", "env_step": step} for step in (1, 2)])
    (curve,) = taken(hub.join(lambda: None))
    steps = [row["env_step"] for row in curve["rows"] if row["table"] == "metrics"]
    assert 1_000 < len(steps) <= 1_500
    assert steps[-1] == 9_999
    assert steps == sorted(steps)
    assert [row["env_step"] for row in curve["rows"] if row["table"] == "evaluations"] == [1, 2]


def test_requests_come_in_order_and_once_the_newest_input_in_place_of_those_before():
    hub, watcher = watching()
    for throttle in (0.1, 0.2, 0.3):
        watcher.receive(json.dumps({"type": "input", "throttle": throttle, "steer": -1}))
    watcher.receive('{"type": "mode", "value": "manual"}')
    watcher.receive('{"type": "input", "throttle": 1, "steer": 0}')
    assert hub.take_messages() == [
        {"type": "input", "throttle": 0.3, "steer": -1.0},
        {"type": "mode", "value": "manual"},
        {"type": "input", "throttle": 1.0, "steer": 0.0},
    ]
    assert hub.take_messages() == []


def test_a_page_that_asks_without_end_fills_no_memory():
    hub, watcher = watching()
    for _ in range(1_000):
        watcher.receive('{"type": "restart"}')
    assert len(hub.take_messages()) < 100


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("no json", "not understood"),
        ("[]", "not understood"),
        ('{"deep": ' + "[" * 1_500 + "]" * 1_500 + ', "type": "seen"}', "not understood"),
        ("{}", "type"),
        ('{"type": "explode"}', "explode"),
        ('{"type": "input", "throttle": 2, "steer": 0}', "throttle"),
        ('{"type": "input", "throttle": NaN, "steer": 0}', "not understood"),
        ('{"type": "input", "throttle": "1", "steer": 0}', "throttle"),
        ('{"type": "input", "throttle": 1}', "steer"),
        ('{"type": "pause", "value": 1}', "bool"),
        ('{"type": "pause", "value": true, "more": 1}', "more"),
        ('{"type": "mode", "value": "fly"}', "choose one of policy, manual"),
        ('{"type": "circuit", "value": "../etc"}', "choose one of oval"),
    ],
)
def test_what_cannot_be_followed_is_refused_with_the_reason(text, reason):
    hub, watcher = watching()
    with pytest.raises(RequestError, match=reason):
        watcher.receive(text)
    assert hub.take_messages() == []


@pytest.mark.parametrize("scene", [None, Scene("a run", "train")])
def test_a_run_that_trains_cannot_be_steered(scene):
    hub, watcher = watching(scene)
    with pytest.raises(RequestError, match="only watches"):
        watcher.receive('{"type": "restart"}')
    watcher.receive(SEEN)
    assert hub.take_messages() == []


def test_threads_that_show_at_once_lose_no_row():
    hub, watcher = watching(None)

    def add(thread: int) -> None:
        for step in range(200):
            hub.add_rows([{"table": f"metrics {thread}", "env_step": step}])

    threads = [threading.Thread(target=add, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    (curve,) = taken(watcher)
    assert len(curve["rows"]) == 800
