// Harms the thread it lives on, or the order book beside it, when the chaos run tells it to.

import { defineServer } from 'espalier'

const book = (self) => self.whereis('order-book')

export const Saboteur = defineServer({
  name: 'saboteur',
  init: () => null,
  cast: {
    /** The order book ends as by a bug. */
    crash: ({ self }) => {
      if (book(self) !== undefined) self.sendExit(book(self), 'chaos')
      return null
    },
    kill: ({ self }) => {
      if (book(self) !== undefined) self.sendExit(book(self), 'kill')
      return null
    },
    /** The thread never turns again. */
    freeze: () => {
      for (;;);
    },
    exit: () => {
      setImmediate(() => process.exit(1))
      return null
    },
    throw: () => {
      setImmediate(() => {
        throw new Error('chaos: nobody catches this')
      })
      return null
    },
    /** The thread's heap is used up. */
    exhaust: () => {
      const hoard = []
      for (;;) hoard.push(new Array(10_000).fill(hoard.length))
    },
  },
})
