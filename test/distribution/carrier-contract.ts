// What every carrier must keep, whatever it runs on. A carrier's own test calls this with a maker of fresh carriers.

import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { Carrier, Connection } from '../../src/distribution/carrier.ts'
import { until } from '../kernel/until.ts'

/** A carrier as the nodes `a` and `b` see it: the same object where both share a thread. */
export interface CarrierPair {
  readonly a: Carrier
  readonly b: Carrier
  /** Lets go of everything. */
  close(): void | Promise<void>
}

interface End {
  readonly connection: Connection
  readonly frames: string[]
  readonly losses: string[]
}

const bytes = (text: string) => new TextEncoder().encode(text)

function listenTo(connection: Connection): End {
  const end: End = { connection, frames: [], losses: [] }
  connection.open({
    received: (frame) => {
      expect(end.losses).toEqual([])
      end.frames.push(new TextDecoder().decode(frame))
    },
    lost: (reason) => void end.losses.push(reason),
  })
  return end
}

export function carrierContract(name: string, create: () => CarrierPair | Promise<CarrierPair>): void {
  describe(`carrier contract: ${name}`, () => {
    let pair: CarrierPair
    beforeEach(async () => {
      pair = await create()
    })
    afterEach(() => pair.close())

    async function connect(): Promise<{ dialler: End; listener: End }> {
      const accepted: Connection[] = []
      pair.b.listen('b', (connection) => void accepted.push(connection))
      const dialler = listenTo(await pair.a.dial('b'))
      await until(() => accepted.length === 1)
      return { dialler, listener: listenTo(accepted[0] as Connection) }
    }

    test('nobody listens: the dial is refused', async () => {
      await expect(pair.a.dial('nobody')).rejects.toMatchObject({ code: 'ERR_CARRIER' })
    })

    test('one name has one listener, and can be taken again once it is let go', () => {
      const stop = pair.b.listen('b', () => {})
      expect(() => pair.b.listen('b', () => {})).toThrow(expect.objectContaining({ code: 'ERR_CARRIER' }))
      stop()
      pair.b.listen('b', () => {})()
    })

    test('a node that stopped listening takes no connection, and keeps those it has', async () => {
      const accepted: Connection[] = []
      const stop = pair.b.listen('b', (connection) => void accepted.push(connection))
      const dialler = listenTo(await pair.a.dial('b'))
      await until(() => accepted.length === 1)
      const listener = listenTo(accepted[0] as Connection)
      stop()
      await expect(pair.a.dial('b')).rejects.toMatchObject({ code: 'ERR_CARRIER' })
      dialler.connection.send(bytes('still here'))
      await until(() => listener.frames.length === 1)
    })

    test('frames arrive whole, once and in order, both ways', async () => {
      const { dialler, listener } = await connect()
      const sent = Array.from({ length: 2000 }, (_, i) => `${i}:${'x'.repeat(i % 97)}`)
      for (const text of sent) {
        dialler.connection.send(bytes(text))
        listener.connection.send(bytes(`re ${text}`))
      }
      await until(() => listener.frames.length >= sent.length && dialler.frames.length >= sent.length)
      expect(listener.frames).toEqual(sent)
      expect(dialler.frames).toEqual(sent.map((text) => `re ${text}`))
    })

    test('an empty frame and a large one arrive as they are', async () => {
      const { dialler, listener } = await connect()
      const large = 'y'.repeat(3_000_000)
      dialler.connection.send(bytes(''))
      dialler.connection.send(bytes(large))
      await until(() => listener.frames.length === 2)
      expect(listener.frames[0]).toBe('')
      expect(listener.frames[1] === large).toBe(true)
    })

    test.each([1, 16])('every byte arrives as it is, in a frame of %d × 256', async (times) => {
      const accepted: Connection[] = []
      pair.b.listen('b', (connection) => void accepted.push(connection))
      const dialler = await pair.a.dial('b')
      await until(() => accepted.length === 1)
      const got: number[][] = []
      accepted[0]?.open({ received: (frame) => void got.push([...frame]), lost: () => {} })
      const all = Array.from({ length: times * 256 }, (_, i) => i % 256)
      dialler.send(Uint8Array.from(all))
      await until(() => got.length === 1)
      expect(got).toEqual([all])
    })

    test('nothing arrives on the stack of send or close', async () => {
      const { dialler, listener } = await connect()
      dialler.connection.send(bytes('one'))
      expect(listener.frames).toEqual([])
      dialler.connection.close('done')
      expect([...dialler.losses, ...listener.losses]).toEqual([])
    })

    test('what came before anybody listened is told in order', async () => {
      const accepted: Connection[] = []
      pair.b.listen('b', (connection) => void accepted.push(connection))
      const dialler = listenTo(await pair.a.dial('b'))
      dialler.connection.send(bytes('one'))
      dialler.connection.send(bytes('two'))
      dialler.connection.close('done')
      await until(() => dialler.losses.length === 1 && accepted.length === 1)
      const listener = listenTo(accepted[0] as Connection)
      await until(() => listener.losses.length === 1)
      expect(listener.frames).toEqual(['one', 'two'])
    })

    test.each(['dialler', 'listener'] as const)(
      'closed by the %s: what was sent before arrives, both hear it once',
      async (who) => {
        const ends = await connect()
        const other = who === 'dialler' ? ends.listener : ends.dialler
        ends[who].connection.send(bytes('last words'))
        ends[who].connection.close('done')
        ends[who].connection.close('again')
        ends[who].connection.send(bytes('too late'))
        await until(() => other.losses.length > 0 && ends[who].losses.length > 0)
        other.connection.send(bytes('into the void'))
        other.connection.close('after all')
        await new Promise((resolve) => setImmediate(resolve))
        expect(other.frames).toEqual(['last words'])
        expect([ends[who].losses, other.losses]).toEqual([['done'], ['done']])
        expect(ends[who].frames).toEqual([])
      },
    )
  })
}
