// The server that keeps the orders of one shard. An order is acknowledged once it is on the disk, not earlier: orders
// that arrive while others are being flushed go with the next flush.

import { defineServer, noReply, reply } from 'espalier'

const key = (id) => `order/${id}`

/** `store`: a KeyValueStore. `acknowledgeFirst`: the planted mistake, answers before the disk does. */
export const OrderBook = defineServer({
  name: 'order-book',
  init: ({ store, acknowledgeFirst = false }) => ({ store, acknowledgeFirst, waiting: [], isWriting: false }),
  call: {
    place: ({ self, state, from }, { id, order }) => {
      if (state.acknowledgeFirst) {
        state.waiting.push({ id, order, from: undefined })
        if (state.waiting.length === 1) self.sendAfter(20, self.pid, 'flush')
        return reply('placed', state)
      }
      state.waiting.push({ id, order, from })
      if (!state.isWriting) flush(self, state)
      return noReply(state)
    },
    find: async ({ state }, id) => {
      const bytes = await state.store.get(key(id))
      return reply(bytes === undefined ? undefined : JSON.parse(Buffer.from(bytes).toString()), state)
    },
  },
  info: ({ self, state }, message) => {
    if (message === 'flush' && !state.isWriting) flush(self, state)
    if (typeof message === 'object' && message.kind === 'flushed') {
      state.isWriting = false
      for (const { from } of message.orders) if (from !== undefined) self.reply(from, 'placed')
      if (state.waiting.length > 0) flush(self, state)
    }
    return state
  },
})

function flush(self, state) {
  const orders = state.waiting
  state.waiting = []
  state.isWriting = true
  const write = (changes) => {
    for (const { id, order } of orders) changes.put(key(id), Buffer.from(JSON.stringify(order)))
  }
  // A write that fails ends the server: its callers learn of it, and the next one begins with what is on the disk.
  state.store.update(write).then(
    () => self.send(self.pid, { kind: 'flushed', orders }),
    (error) => self.sendExit(self.pid, { error }),
  )
}
