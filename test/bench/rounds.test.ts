import { describe, expect, it } from 'vitest'
import type { Contender, Room, Workload } from '../../bench/harness/room.ts'
import { ContenderFailure, runRounds, runWorkload } from '../../bench/harness/rounds.ts'

const workload: Workload = { name: 'w', count: 10, repeats: 2 }

/** A contender whose process is a line of JavaScript. */
const contender = (name: string, script: string, lacks: Contender['lacks'] = {}): Contender => ({
  name,
  lacks,
  probe: async () => ({ version: '1' }),
  command: () => ({ file: process.execPath, args: ['-e', script] }),
})
const printing = (result: object) => `console.log('noise'); console.log('${JSON.stringify(result)}')`
const done = { completed: 20, elapsedNs: 1000 }

describe('a contender’s process', () => {
  it('yields the result on its last line', async () => {
    expect(await runWorkload(contender('a', printing(done)), workload)).toEqual(done)
  })

  it('fails the bench when it left work undone', async () => {
    const lazy = contender('lazy', printing({ ...done, completed: 19 }))
    await expect(runWorkload(lazy, workload)).rejects.toThrow(/lazy, workload w: completed 19 of 20/)
  })

  it.each([
    ['dies', 'console.error("why"); process.exit(3)', /exit code 3\nwhy/],
    ['prints nothing', '', /printed no result/],
    ['prints half a line', 'console.log(\'{"completed":20,"elap\')', /printed no result/],
    ['prints no measure', printing({ completed: 20 }), /printed no result/],
  ])('fails the bench when it %s', async (_, script, message) => {
    const failing = runWorkload(contender('bad', script), workload)
    await expect(failing).rejects.toBeInstanceOf(ContenderFailure)
    await expect(failing).rejects.toThrow(message)
  })
})

describe('rounds', () => {
  it('turn the order of the contenders, and leave out what one has no counterpart for', async () => {
    const [a, b, c] = [contender('a', printing(done)), contender('b', printing(done)), contender('c', '', { w: 'no' })]
    const room: Room = { name: 'r', contenders: [a, b, c], workloads: [workload], rows: [] }
    const order: string[] = []
    const progress = (line: string) => void order.push(line.split('  ')[2] ?? '')
    const rounds = await runRounds(room, { rounds: 2, present: [a, b, c], workloads: [workload], progress })
    expect(order).toEqual(['a', 'b', 'b', 'a'])
    expect(rounds.get('a')?.map((results) => results.get('w'))).toEqual([done, done])
    expect(rounds.get('c')?.map((results) => results.size)).toEqual([0, 0])
  })

  it('go on without one that takes part in fewer', async () => {
    const [a, b] = [contender('a', printing(done)), { ...contender('b', printing(done)), rounds: 1 }]
    const room: Room = { name: 'r', contenders: [a, b], workloads: [workload], rows: [] }
    const rounds = await runRounds(room, { rounds: 2, present: [a, b], workloads: [workload], progress: () => {} })
    expect(rounds.get('a')?.map((results) => results.size)).toEqual([1, 1])
    expect(rounds.get('b')?.map((results) => results.size)).toEqual([1, 0])
  })
})
