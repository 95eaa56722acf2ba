import { createNode } from 'espalier'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { Carrier, Connection, ConnectionListener } from '../../src/distribution/carrier.ts'
import { MemoryCarrier } from '../../src/distribution/carriers/memory-carrier.ts'
import { Distribution } from '../../src/distribution/distribution.ts'
import { createSystemPorts } from '../../src/system/index.ts'
import { spawnCollector } from '../processes.ts'

const { turns } = createSystemPorts()
const turn = () => new Promise<void>((resolve) => setImmediate(resolve))

type Step = 'send' | 'wait' | 'cut'

/** What a process of b receives while one of a counts, and the connection is cut now and then. */
async function run(steps: readonly Step[], dialledBy: (carrier: MemoryCarrier) => Carrier): Promise<unknown[]> {
  const memory = new MemoryCarrier(turns)
  const [a, b] = [createNode({ name: 'a' }), createNode({ name: 'b' })]
  const meshes = [new Distribution(a, { carrier: dialledBy(memory) }), new Distribution(b, { carrier: memory })]
  const { pid, messages } = spawnCollector(b)
  const to = meshes[0]?.pid(pid) ?? pid
  let sent = 0
  for (const step of steps) {
    if (step === 'send') a.send(to, sent++)
    else if (step === 'cut') memory.sever()
    else await turn()
  }
  for (let i = 0; i < 5; i++) await turn()
  for (const mesh of meshes) mesh.close()
  await Promise.all([a.stop(), b.stop()])
  return messages
}

const isIncreasing = (values: readonly unknown[]) =>
  values.every((value, i) => i === 0 || Number(value) > Number(values[i - 1]))
const steps = fc.array(
  fc.oneof(
    { weight: 6, arbitrary: fc.constant<Step>('send') },
    { weight: 2, arbitrary: fc.constant<Step>('wait') },
    { weight: 1, arbitrary: fc.constant<Step>('cut') },
  ),
  { maxLength: 40 },
)

test('at most once, in order: whatever cuts the connection, what arrives is a subsequence of what was sent', async () => {
  await fc.assert(
    fc.asyncProperty(steps, async (chosen) => isIncreasing(await run(chosen, (carrier) => carrier))),
    { numRuns: 200 },
  )
})

test('exactly once: while the connection stands, all that was sent arrives', async () => {
  await fc.assert(
    fc.asyncProperty(steps, async (chosen) => {
      const uncut = chosen.filter((step) => step !== 'cut')
      return (await run(uncut, (carrier) => carrier)).length === uncut.filter((step) => step === 'send').length
    }),
    { numRuns: 100 },
  )
})

/** Holds every second frame back behind the next one: what no carrier may do. */
class Overtaking implements Connection {
  readonly #inner: Connection
  #sent = 0
  #held: Uint8Array | null = null

  constructor(inner: Connection) {
    this.#inner = inner
  }
  open(listener: ConnectionListener): void {
    this.#inner.open(listener)
  }
  send(frame: Uint8Array): void {
    // The greeting goes as it is.
    if (this.#sent++ % 2 === 1) this.#held = frame
    else {
      this.#inner.send(frame)
      if (this.#held !== null) this.#inner.send(this.#held)
      this.#held = null
    }
  }
  close(reason: string): void {
    this.#inner.close(reason)
  }
}

test('red: a carrier that lets one frame overtake another', async () => {
  const chosen: Step[] = ['send', 'wait', 'wait', 'send', 'wait', 'send', 'wait']
  const broken = (carrier: MemoryCarrier): Carrier => ({
    listen: (name, accept) => carrier.listen(name, accept),
    dial: async (name) => new Overtaking(await carrier.dial(name)),
  })
  expect(isIncreasing(await run(chosen, broken))).toBe(false)
  expect(isIncreasing(await run(chosen, (carrier) => carrier))).toBe(true)
})
