// Our contender in room `raft`.

import { createNode, defineServer, reply } from 'espalier'
import { type ThreadContext, Threads } from 'espalier/threads'
import type { Run, Task } from '../harness/contender.ts'
import { keyFor, sequential } from './load.ts'

const Echo = defineServer({
  init: () => null,
  call: { get: ({ state }, key: string) => reply(key, state) },
})

/** Boots the thread of the round trip. */
export async function bootEcho({ node }: ThreadContext): Promise<void> {
  await node.start(Echo, undefined, { name: 'echo' })
}

/** A call to another thread and back, by the same carrier as a put. */
async function roundTrip(count: number): Promise<Run> {
  const node = createNode({ name: 'client' })
  const threads = new Threads(node)
  await threads.start('replica', { boot: { module: import.meta.url, export: 'bootEcho' } })
  const echo = node.at(Echo, 'replica', 'echo')
  const run = await sequential(count, (number) => echo.call('get', keyFor(number)))
  await threads.stop()
  return run
}

export const tasks: Readonly<Record<string, Task>> = { 'round-trip': roundTrip }
