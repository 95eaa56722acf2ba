// The other thread of the room `threads`: a server of ours, and beside it the bare primitives on ports of their own.

import type { MessagePort } from 'node:worker_threads'
import { defineServer, reply } from 'espalier'
import type { ThreadContext } from 'espalier/threads'
import { Packr, Unpackr } from 'msgpackr'

export const Counter = defineServer({
  name: 'counter',
  init: () => 0,
  call: {
    add: ({ state }, by: number) => reply(state + by, state + by),
    get: ({ state }) => reply(state, state),
  },
  cast: { add: ({ state }, by: number) => state + by },
})

export interface Bare {
  /** Answers each number with the next. */
  readonly echo: MessagePort
  /** Answers `{ id, n }` with the same id. */
  readonly byId: MessagePort
  /** Counts the items of msgpackr batches; answers `null` with the count. */
  readonly batches: MessagePort
}

export async function boot({ node }: ThreadContext, bare: Bare): Promise<unknown> {
  bare.echo.on('message', (n: number) => bare.echo.postMessage(n + 1))
  bare.byId.on('message', ({ id, n }: { readonly id: number; readonly n: number }) =>
    bare.byId.postMessage({ id, n: n + 1 }),
  )
  const unpackr = new Unpackr({ useRecords: false })
  let counted = 0
  bare.batches.on('message', (batch: Uint8Array | null) => {
    if (batch === null) bare.batches.postMessage(counted)
    else for (const { by } of unpackr.unpack(batch) as readonly { readonly by: number }[]) counted += by
  })
  const { nodeName, creation, id } = await node.start(Counter)
  return { nodeName, creation, id }
}

export const packr = new Packr({ useRecords: false })
