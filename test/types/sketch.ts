// What the API should feel like: this file must compile as it stands. `npm run check` sees to it.

import { createNode, defineServer, type Ref, reply, supervisor } from 'espalier'

const Store = defineServer({
  init: () => ({ stock: 100 }),
  call: { take: ({ state }, n: number) => reply(n, { stock: state.stock - n }) },
})

export const Counter = defineServer({
  init: (start: number) => ({ count: start }),
  call: {
    get: ({ state }) => reply(state.count, state),
    add: ({ state }, by: number) => reply(state.count + by, { count: state.count + by }),
    refill: async ({ self, state }, from: Ref<typeof Store>) => {
      const n = await self.call(from, 'take', 10) // number, inferred; self knows who asks
      return reply(n, { count: state.count + n })
    },
  },
  cast: { reset: ({ state }) => ({ ...state, count: 0 }) }, // bare state, or a branded result: stop(…), next(…)
})

const node = createNode({ name: 'shop' })
export const tree = await node.start(
  supervisor({
    strategy: 'one_for_one',
    intensity: 5,
    periodMs: 60_000,
    children: [{ id: 'counter', start: [Counter, 10], name: 'counter', restart: 'transient' }],
  }),
)
const counter = node.whereis(Counter, 'counter')
export const total: number | undefined = await counter?.call('add', 3) // number, inferred
await node.idle()
