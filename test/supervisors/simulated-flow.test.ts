// The main job in a simulated world: a flow on a node whose agents fail and whose power is cut, under one seed.

import { type FailedRun, type Program, type Run, runOnce } from 'espalier/testing'
import { describe, expect, test } from 'vitest'
import { parseKeyRing } from '../../actors/receipt/key-ring.ts'
import { receiptPaths, receiptStoreName, verifyReceipts } from '../../actors/receipt/receipt-store.ts'
import type { Machine } from '../../src/simulation/machine.ts'
import { KeyValueStore } from '../../src/storage/index.ts'
import { startFlows } from '../../supervisors/flows.ts'
import { commandAgent } from '../actors/stage.ts'

const keys = '11'.repeat(32)
const dataFolder = '/data'
const agents = ['a', 'b'].map((id) => commandAgent(id))

/** What the lives of the node have come to, one after another. */
interface Seen {
  readonly outcomes: string[]
  readonly unfinished: string[]
  /** Receipts that somebody was told of. */
  readonly told: string[]
  verdict: unknown
}

/** Runs flows one after another; a life that finds an unfinished one says so first. */
async function live(node: Parameters<typeof startFlows>[0]['node'], machine: Machine, seen: Seen): Promise<void> {
  const store = await machine.disk.memory.open('store')
  const { children, modules, files } = machine
  const verdict = async () => {
    const head = await files.read(receiptPaths(dataFolder).head)
    return verifyReceipts(new KeyValueStore(store, receiptStoreName), head, parseKeyRing(keys, 'test'))
  }
  const ports = { children, modules, environment: {} }
  const flows = await startFlows({ node, agents, dataFolder, store, files, ports, keys })
  for (const { flowId } of await flows.unfinished()) seen.unfinished.push(flowId)
  while (seen.told.length < 4) {
    const flow = await flows.run('a, b, a parallel 2')
    const { record, receipt } = await flow.finished
    seen.told.push(receipt.id)
    seen.outcomes.push(record.outcome)
  }
  seen.verdict = await verdict()
}

async function simulated(
  seed: number,
  work: Program,
  crashes: readonly number[],
): Promise<{ run: Run | FailedRun; seen: Seen }> {
  const seen: Seen = { outcomes: [], unfinished: [], told: [], verdict: undefined }
  const run = await runOnce(seed, async (world) => {
    world.createNode({ name: 'job', programs: { work }, boot: (node, machine) => live(node, machine, seen) })
    for (const forMs of crashes) {
      await world.advance(forMs)
      world.crash('job')
      await world.advance(10)
      world.restart('job')
    }
    await world.eventually('all flows end', () => seen.verdict !== undefined, { withinMs: 600_000 })
  })
  return { run, seen }
}

const steady: Program = () => ({ forMs: [5, 50], stdout: 'done' })
/** Every third run or so fails: by its code, by a signal, or by taking long. */
const flawed: Program = ({ random }) => {
  const lot = random.below(10)
  if (lot === 0) return { code: 1, stderr: 'no luck' }
  if (lot === 1) return { signal: 'SIGSEGV' }
  return { forMs: lot === 2 ? [500, 900] : [5, 50] }
}

describe('a flow in a simulated world', () => {
  test('ends well, with receipts that verify, and touches nothing of the real world', async () => {
    const { run, seen } = await simulated(1, steady, [])
    expect(run).not.toHaveProperty('failure')
    expect(seen.outcomes).toEqual(['succeeded', 'succeeded', 'succeeded', 'succeeded'])
    expect(seen.verdict).toMatchObject({ kind: 'intact', count: 4 })
  })

  test('one seed, one run: agents that fail and a node that crashes included', async () => {
    const hashes = []
    for (const seed of [5, 5, 6]) hashes.push((await simulated(seed, flawed, [100, 90])).run.hash)
    expect(hashes[0]).toBe(hashes[1])
    expect(hashes[0]).not.toBe(hashes[2])
  })

  test('whatever fails and whenever the power goes, no receipt that somebody was told of is lost', async () => {
    let unfinished = 0
    for (let seed = 1; seed <= 20; seed++) {
      const { run, seen } = await simulated(seed, flawed, [37 + 11 * seed, 140, 60])
      expect([seed, 'failure' in run ? run.failure.message : 'ok']).toEqual([seed, 'ok'])
      expect(seen.verdict).toMatchObject({ kind: 'intact' })
      const { count } = seen.verdict as { readonly count: number }
      expect(count).toBeGreaterThanOrEqual(seen.told.length)
      unfinished += seen.unfinished.length
    }
    // The power went while flows were under way, and the next life knew of them.
    expect(unfinished).toBeGreaterThan(5)
  })
})
