// node-redis: commands, an automatic pipeline, MULTI, messages, a blocking command, an error.
const { createClient, commandOptions } = require("redis");

(async () => {
  const url = `redis://default:hunter2@${process.env.PGHOST}:${process.env.PGPORT}`;
  const client = createClient({ url });
  client.on("error", (error) => console.log(error.message));
  await client.connect();
  console.log(await client.set("lock:points", "hunter2", { NX: true, PX: 30000 }));
  console.log(await Promise.all([client.incr("counter"), client.get("counter"), client.del("nothing"), client.hSet("member:1", { name: "a", points: 10 })]));
  console.log(await client.multi().incrBy("counter", 2).get("counter").rPush("queue", ["a", "b"]).exec());
  console.log(await client.blPop("queue", 1), await client.blPop("empty", 0.01));
  console.log(await client.eval("return {KEYS[1], ARGV[1]}", { keys: ["lock:points"], arguments: ["hunter2"] }));
  await client.lPush("counter", "x").catch((error) => console.log(error.message));
  const subscriber = client.duplicate();
  await subscriber.connect();
  const heard = new Promise((resolve) => subscriber.subscribe("channel", resolve));
  await new Promise((resolve) => subscriber.pSubscribe("ch*", resolve).then(() => client.publish("channel", "hunter2")));
  console.log(await heard);
  await subscriber.unsubscribe();
  await subscriber.pUnsubscribe();
  await subscriber.quit();
  await client.quit();
})();
