"""redis-py: commands, pipelines, transactions with WATCH, scripts, locks, messages, blocking commands."""
import os

import redis

server = redis.Redis(host=os.environ["PGHOST"], port=int(os.environ["PGPORT"]), password=None, single_connection_client=True)
server.set("lock:points", "hunter2", nx=True, px=30000)
server.hset("member:1", mapping={"name": "a", "points": 10})
with server.pipeline(transaction=False) as pipeline:
    pipeline.incr("counter").get("counter").delete("nothing").lpush("counter", "x")
    print(pipeline.execute(raise_on_error=False))
with server.pipeline() as pipeline:
    pipeline.watch("counter")
    pipeline.multi()
    pipeline.incrby("counter", 2).rpush("queue", "a", "b")
    print(pipeline.execute())
try:
    with server.pipeline() as pipeline:
        pipeline.watch("counter")
        redis.Redis(host=os.environ["PGHOST"], port=int(os.environ["PGPORT"])).incr("counter")
        pipeline.multi()
        pipeline.incrby("counter", 2)
        pipeline.execute()
except redis.WatchError as error:
    print(error)
print(server.blpop(["empty", "queue"], 1), server.blpop("empty", 0.01))
release = server.register_script("if redis.call('get', KEYS[1]) == ARGV[1] then return redis.call('del', KEYS[1]) end return 0")
print(release(keys=["lock:points"], args=["hunter2"]), release(keys=["lock:points"], args=["hunter2"]))
lock = server.lock("lock:other", timeout=30, thread_local=False)
print(lock.acquire(blocking=False, token="hunter2"), lock.extend(10), lock.reacquire(), lock.release())
messages = server.pubsub()
messages.subscribe("channel", "other")
messages.psubscribe("ch*")
print([messages.get_message(timeout=5) for _ in range(3)])
server.publish("channel", "hunter2")
print([messages.get_message(timeout=5) for _ in range(2)])
messages.unsubscribe()
messages.punsubscribe()
print([messages.get_message(timeout=5) for _ in range(3)])
server.set("large", "x" * 70_000)
print(len(server.get("large")), len(server.lrange("nothing", 0, -1)), list(server.scan_iter("member:*")))
