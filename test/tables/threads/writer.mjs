// A thread that owns a table and writes it without end, until it is terminated.
import { parentPort, workerData } from 'node:worker_threads'

const { createNode, createTable } = await import(workerData.espalier)
const node = createNode({ name: 'writer' })
const owner = node.spawn(async (self) => {
  await self.receive(() => false)
})
const table = createTable(node, owner, { maxEntries: 2, maxBytes: 4096 })
for (let n = 0; ; n++) {
  for (const key of ['a', 'b']) table.insert(key, { key, n, fill: new Array(20 + (n % 50)).fill(n) })
  if (n === 0) parentPort.postMessage(table.handle)
}
