// A web service that embeds Espalier: orders over HTTP, kept by servers on worker threads, one shard each.
//
//   node examples/service/main.js --data FOLDER [--port 8080] [--shards 2] [--chaos] [--break ack-before-durable]
//
// PUT /orders/:id keeps an order and answers 201 once it is durable; GET /orders/:id finds it. While a shard is being
// restarted its orders are answered 503 with Retry-After: nothing is acknowledged that may be lost. With --chaos,
// POST /chaos/:shard/:kind harms a shard.

import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { createNode, ExitError, runService, supervisor } from 'espalier'
import { Threads, threadSupervisor } from 'espalier/threads'
import Fastify from 'fastify'
import { OrderBook } from './order-book.js'
import { Saboteur } from './saboteur.js'

const { values: options } = parseArgs({
  options: {
    data: { type: 'string' },
    port: { type: 'string', default: '8080' },
    shards: { type: 'string', default: '2' },
    chaos: { type: 'boolean', default: false },
    break: { type: 'string' },
  },
})
if (options.data === undefined || (options.break !== undefined && options.break !== 'ack-before-durable')) {
  console.error('usage: main.js --data FOLDER [--port N] [--shards N] [--chaos] [--break ack-before-durable]')
  process.exit(64)
}

const node = createNode({ name: 'web' })
const threads = new Threads(node, { watchdog: { frozenAfterMs: 200, graceMs: 100 } })
const shards = Array.from({ length: Number(options.shards) }, (_, i) => `shard-${i + 1}`)

/** A tree for one shard: its thread comes back however it dies. */
const shardTree = (name) => {
  const boot = {
    module: new URL('./shard.js', import.meta.url),
    export: 'bootShard',
    args: [{ path: join(options.data, name), acknowledgeFirst: options.break !== undefined }],
  }
  const thread = { name, options: { storage: true, resourceLimits: { maxOldGenerationSizeMb: 64 }, boot } }
  const keeper = threadSupervisor(threads, [thread], { intensity: 100, periodMs: 1000 })
  return supervisor({ children: [{ id: 'thread', start: [keeper] }] })
}
// No shard needs another: they start at the same time.
await Promise.all(shards.map((name) => node.start(shardTree(name))))

const bookOf = (id) => {
  let sum = 0
  for (const letter of id) sum = (sum * 31 + letter.codePointAt(0)) >>> 0
  return node.at(OrderBook, shards[sum % shards.length], 'order-book')
}

const web = Fastify()
web.setErrorHandler((error, _request, answer) => {
  // The shard is away, or has not answered in time. Nobody knows whether the order is kept: ask again.
  if (error instanceof ExitError) return answer.code(503).header('retry-after', '1').send({ error: 'unavailable' })
  return answer.code(error.statusCode ?? 500).send({ error: error.message })
})
web.put('/orders/:id', async (request, answer) => {
  await bookOf(request.params.id).call('place', { id: request.params.id, order: request.body }, { timeoutMs: 2000 })
  return answer.code(201).send({ id: request.params.id })
})
web.get('/orders/:id', async (request, answer) => {
  const order = await bookOf(request.params.id).call('find', request.params.id, { timeoutMs: 2000 })
  return order === undefined ? answer.code(404).send({ error: 'no such order' }) : order
})
if (options.chaos) {
  web.post('/chaos/:shard/:kind', async (request) => {
    const { shard, kind } = request.params
    if (kind === 'terminate') await threads.get(shard)?.terminate()
    else node.at(Saboteur, shard, 'saboteur').cast(kind)
    return { shard, kind }
  })
}
const address = await web.listen({ port: Number(options.port), host: '127.0.0.1' })
console.log(`listening on ${address}`)

// SIGTERM and Ctrl-C: no more requests, then the shards, then the threads; all within 10 seconds.
runService({
  stop: [
    { name: 'web', stop: () => web.close() },
    { name: 'node', stop: () => node.stop() },
    { name: 'threads', stop: () => threads.stop() },
  ],
})
