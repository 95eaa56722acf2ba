// What runs on a worker thread: one shard of the orders, its store, and a supervisor over its server.

import { supervisor } from 'espalier'
import { KeyValueStore, openLmdb } from 'espalier/storage'
import { OrderBook } from './order-book.js'
import { Saboteur } from './saboteur.js'

/** Boots a shard: called on its thread with the thread's context. */
export async function bootShard({ node, storage }, { path, acknowledgeFirst }) {
  const store = await openLmdb({ path, connection: storage, lockTimeoutMs: 5000 })
  const book = { store: new KeyValueStore(store, 'orders'), acknowledgeFirst }
  await node.start(
    supervisor({
      intensity: 100,
      periodMs: 1000,
      children: [
        { id: 'order-book', start: [OrderBook, book], name: 'order-book' },
        { id: 'saboteur', start: [Saboteur], name: 'saboteur' },
      ],
    }),
  )
}
