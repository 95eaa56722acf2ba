import { describe, expect, test } from 'vitest'
import type { Carrier, Connection } from '../../src/distribution/carrier.ts'
import { carrierContract } from '../distribution/carrier-contract.ts'
import { until } from '../kernel/until.ts'
import { FarCarrier, nearCarrier, newHub } from './far-carrier.ts'

/** Dials once everything asked of the other thread so far is done: its listener is known then. */
function patient(carrier: Carrier, other: FarCarrier): Carrier {
  return {
    listen: (name, accept) => carrier.listen(name, accept),
    dial: async (name) => {
      await other.settled()
      return carrier.dial(name)
    },
  }
}

carrierContract('threads, both ends on one', () => {
  const carrier = nearCarrier(newHub())
  return { a: carrier, b: carrier, close: () => {} }
})

carrierContract('threads, a worker dials', () => {
  const hub = newHub()
  const far = new FarCarrier(hub)
  return { a: far, b: nearCarrier(hub), close: () => far.end() }
})

carrierContract('threads, a worker listens', () => {
  const hub = newHub()
  const far = new FarCarrier(hub)
  return { a: patient(nearCarrier(hub), far), b: far, close: () => far.end() }
})

carrierContract('threads, a worker dials another', () => {
  const hub = newHub()
  const [a, b] = [new FarCarrier(hub), new FarCarrier(hub)]
  return {
    a: patient(a, b),
    b,
    close: async () => {
      await Promise.all([a.end(), b.end()])
    },
  }
})

async function connect(near: Carrier, far: FarCarrier) {
  const accepted: Connection[] = []
  near.listen('near', (connection) => void accepted.push(connection))
  const theirs = await far.dial('near')
  await until(() => accepted.length === 1)
  return { ours: accepted[0] as Connection, theirs }
}

describe('a thread that ends', () => {
  test('loses its connections, for the reason its keeper tells', async () => {
    const hub = newHub()
    const near = nearCarrier(hub)
    const far = new FarCarrier(hub)
    const { ours } = await connect(near, far)
    const losses: string[] = []
    ours.open({ received: () => {}, lost: (reason) => void losses.push(reason) })
    await far.end('exit code 7')
    await until(() => losses.length > 0)
    expect(losses).toEqual(['exit code 7'])
    expect(near.size).toBe(0)
  })

  test('has its last frames told first', async () => {
    const hub = newHub()
    const far = new FarCarrier(hub)
    const { ours, theirs } = await connect(nearCarrier(hub), far)
    for (let i = 0; i < 100; i++) theirs.send(Uint8Array.of(i))
    await far.settled()
    await far.end()
    const told: (number | string)[] = []
    ours.open({ received: ([i]) => void told.push(i ?? -1), lost: (reason) => void told.push(reason) })
    await until(() => told.includes('ended'))
    expect(told).toEqual([...Array.from({ length: 100 }, (_, i) => i), 'ended'])
  })
})

describe('a slow reader', () => {
  const limits = { windowBytes: 64 * 1024, maxQueuedBytes: 512 * 1024 }
  const frame = () => new Uint8Array(8 * 1024)

  test('gets all of it in order, with never more than the window under way', async () => {
    const hub = newHub()
    const far = new FarCarrier(hub, limits)
    const { ours, theirs } = await connect(nearCarrier(hub, limits), far)
    const got: number[] = []
    theirs.open({ received: (bytes) => void got.push(bytes[0] ?? -1), lost: () => {} })
    ours.open({ received: () => {}, lost: () => {} })
    const go = await far.freeze()
    for (let i = 0; i < 40; i++) ours.send(frame().fill(i))
    go()
    await until(() => got.length === 40)
    expect(got).toEqual(Array.from({ length: 40 }, (_, i) => i))
    await far.end()
  })

  test('that stands still costs the sender a bounded queue: beyond it the connection is lost, overloaded', async () => {
    const hub = newHub()
    const far = new FarCarrier(hub, limits)
    const { ours, theirs } = await connect(nearCarrier(hub, limits), far)
    const losses: string[] = []
    theirs.open({ received: () => {}, lost: (reason) => void losses.push(`theirs ${reason}`) })
    ours.open({ received: () => {}, lost: (reason) => void losses.push(`ours ${reason}`) })
    const go = await far.freeze()
    for (let i = 0; i < 80; i++) ours.send(frame())
    await until(() => losses.length === 1)
    expect(losses).toEqual(['ours overloaded'])
    go()
    await until(() => losses.length === 2)
    expect(losses).toEqual(['ours overloaded', 'theirs overloaded'])
    await far.end()
  })
})
