"""`python -m deploy.kafka`: fetch Kafka's jars; with a folder, also run a node there until it is interrupted."""

import sys
import time
from pathlib import Path

from deploy.kafka import KafkaNode, KafkaUnavailable, java, resolve


def main(arguments: list[str]) -> int:
    try:
        print(f"{java()}\n{len(list(resolve().glob('*.jar')))} jars in {resolve()}")
    except KafkaUnavailable as reason:
        print(reason, file=sys.stderr)
        return 1
    if arguments:
        node = KafkaNode(Path(arguments[0]))
        node.start()
        try:
            print(f"{node.log_line}\nbootstrap {node.bootstrap}; Ctrl-C stops it", flush=True)
            while True:
                time.sleep(3600)
        except KeyboardInterrupt:
            node.stop()
    return 0


sys.exit(main(sys.argv[1:]))
