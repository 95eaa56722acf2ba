import { once } from 'node:events'
import { MessageChannel, Worker } from 'node:worker_threads'
import { describe, expect, test } from 'vitest'
import { RingReader, RingWriter, shareRings } from '../../src/threads/ring.ts'
import { compiledUrl, workerModule } from './compiled.ts'

function pair(bytes = 1024) {
  const shared = shareRings(bytes)
  return { writer: new RingWriter(shared, 0), reader: new RingReader(shared, 0) }
}

const frameOf = (length: number, fill: number) => new Uint8Array(length).fill(fill)

describe('a ring', () => {
  test('hands frames of every length over, whole and in order, many times round', () => {
    const { writer, reader } = pair()
    for (let i = 0; i < 3000; i++) {
      const frame = frameOf(i % 200, i % 251)
      expect(writer.write(frame, 0)).toBe(frame.length + 1)
      expect(reader.read()).toEqual(frame)
    }
    expect(reader.read()).toBeUndefined()
  })

  test('takes what fits, and the rest once there is room', () => {
    const { writer, reader } = pair()
    const large = Uint8Array.from({ length: 5000 }, (_, i) => i % 256)
    let [at, got]: [number, Uint8Array | undefined] = [0, undefined]
    for (let turns = 0; got === undefined && turns < 100; turns++) {
      if (at <= large.length) at = writer.write(large, at)
      got = reader.read()
    }
    expect(got).toEqual(large)
  })

  test('does not write over what has not been read', () => {
    const { writer, reader } = pair()
    let written = 0
    while (writer.write(frameOf(100, written), 0) === 101) written++
    expect(written).toBe(Math.floor(1024 / 104))
    for (let i = 0; i < written; i++) expect(reader.read()?.[0]).toBe(i)
  })

  test('rings for a reader that sleeps, once, and not for one that is awake', () => {
    const { writer, reader } = pair()
    writer.write(frameOf(1, 1), 0)
    expect(writer.wakesReader()).toBe(false)
    expect(reader.sleep()).toBe(false)
    reader.read()
    expect(reader.sleep()).toBe(true)
    writer.write(frameOf(1, 1), 0)
    expect([writer.wakesReader(), writer.wakesReader()]).toEqual([true, false])
  })

  test('rings for a writer that waits once half of it is free', () => {
    const { writer, reader } = pair()
    while (writer.write(frameOf(100, 0), 0) === 101);
    expect(writer.wait()).toBe(false)
    let read = 0
    do read++
    while (reader.read() !== undefined && !reader.wakesWriter())
    expect(read).toBe(5)
    expect(reader.wakesWriter()).toBe(false)
  })

  // Two threads that fall asleep and are woken as often as they can: one bell lost, and both would sleep for ever.
  test('loses no wake-up between two threads', async () => {
    const shared = shareRings(1024)
    const { port1: port, port2 } = new MessageChannel()
    const worker = new Worker(new URL(workerModule('ring.mjs')), {
      workerData: { ring: compiledUrl('threads/ring.js'), shared, port: port2 },
      transferList: [port2],
      execArgv: [],
    })
    await once(port, 'message')
    const writer = new RingWriter(shared, 0)
    const reader = new RingReader(shared, 1)
    const total = 4000
    let [sent, got, due] = [0, 0, 0]
    await new Promise<void>((resolve, reject) => {
      // Bursts of one to seven frames: now the ring is empty, now it is full.
      const send = () => {
        for (;;) {
          while (
            sent < Math.min(due, total) &&
            writer.write(frameOf(1 + (sent % 150), sent % 256), 0) > 1 + (sent % 150)
          ) {
            sent++
          }
          if (sent >= Math.min(due, total) || !writer.wait()) break
        }
        if (writer.wakesReader()) port.postMessage(0)
      }
      const receive = () => {
        reader.awake()
        do {
          for (let frame = reader.read(); frame !== undefined; frame = reader.read()) {
            if (frame[0] !== got % 256 || frame.length !== 1 + (got % 150)) reject(new Error(`frame ${got} is wrong`))
            got++
            if (reader.wakesWriter()) port.postMessage(0)
          }
          if (got === total) return resolve()
          if (got === due) due += 1 + (got % 7)
          send()
        } while (!reader.sleep())
      }
      port.on('message', receive)
      due = 1
      reader.sleep()
      send()
    })
    expect(got).toBe(total)
    await worker.terminate()
    port.close()
  }, 60_000)
})
