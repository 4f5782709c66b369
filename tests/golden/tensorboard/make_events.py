"""Writes events.bin: the start of an event file by tensorboard's own writer, for cli/src/files/events.rs.

    python make_events.py
"""

import io
import pathlib
from importlib.metadata import version

from tensorboard.compat.proto.event_pb2 import Event, SessionLog
from tensorboard.compat.proto.summary_pb2 import Summary
from tensorboard.summary.writer.record_writer import RecordWriter

WALL_TIME = 1764547200.25


def main():
    scalar = lambda tag, value: Summary(value=[Summary.Value(tag=tag, simple_value=value)])
    events = [
        Event(wall_time=WALL_TIME, file_version="brain.Event:2"),
        Event(wall_time=WALL_TIME, step=300, session_log=SessionLog(status=SessionLog.START)),
        Event(wall_time=WALL_TIME, step=0, summary=scalar("held_out/cb", 0.0)),
        Event(wall_time=WALL_TIME, step=1, summary=scalar("loss", 2.5)),
        Event(wall_time=WALL_TIME, step=123456, summary=scalar("format rate/" + 200 * "x", 1e-3)),
    ]
    file = io.BytesIO()
    records = RecordWriter(file)
    for event in events:
        records.write(event.SerializeToString())
    here = pathlib.Path(__file__)
    here.with_name("events.bin").write_bytes(file.getvalue())
    here.with_name("versions.json").write_text(f'{{"tensorboard": "{version("tensorboard")}"}}\n')


main()
