import { createNode } from 'espalier'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Process } from '../../src/kernel/process.ts'
import { ProcessTable } from '../../src/kernel/process-table.ts'

/** A stand-in: the table never looks inside. */
const standIn = (id: number) => ({ id }) as unknown
const asProcess = (value: unknown) => value as Process

describe('a table of processes', () => {
  test('finds and lists what a Map would, oldest first, over ids with gaps', () => {
    const act = fc.oneof(
      { weight: 3, arbitrary: fc.record({ add: fc.integer({ min: 1, max: 200 }) }) },
      { weight: 2, arbitrary: fc.record({ remove: fc.nat() }) },
    )
    fc.assert(
      fc.property(fc.array(act, { maxLength: 300 }), (acts) => {
        const table = new ProcessTable()
        const model = new Map<number, Process>()
        let newest = 0
        for (const one of acts) {
          if ('add' in one) {
            newest += one.add
            const process = asProcess(standIn(newest))
            table.add(newest, process)
            model.set(newest, process)
          } else {
            const id = [...model.keys()][one.remove % Math.max(1, model.size)]
            if (id === undefined) continue
            table.delete(id)
            model.delete(id)
          }
        }
        expect(table.list()).toEqual([...model.values()])
        for (let id = 0; id <= newest + 64; id++) expect(table.get(id)).toBe(model.get(id))
      }),
    )
  })

  test('keeps no page of processes that are gone', () => {
    const table = new ProcessTable()
    for (let id = 1; id <= 10_000; id++) table.add(id, asProcess(standIn(id)))
    for (let id = 1; id <= 10_000; id++) table.delete(id)
    expect(table.pages).toBe(1)
  })
})

test('a node lists its processes oldest first, those left out that have ended', async () => {
  const node = createNode()
  const pids = Array.from({ length: 200 }, () => node.spawn((self) => self.receive().then(() => {})))
  await node.idle()
  for (const [i, pid] of pids.entries()) if (i % 3 === 0) node.sendExit(pid, 'kill')
  await node.idle()
  expect(node.processes()).toEqual(pids.filter((_, i) => i % 3 !== 0))
  await node.stop()
})
