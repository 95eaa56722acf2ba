import type { Node } from 'espalier'
import {
  createWorld,
  type Machine,
  modulesFrom,
  type Program,
  type Programs,
  runOnce,
  type World,
} from 'espalier/testing'
import { describe, expect, it } from 'vitest'

/** A node with these programs, and what its machine is. */
function machineWith(programs: Programs, seed = 1): { world: World; node: Node; machine: Machine } {
  const world = createWorld({ seed })
  const machines: Machine[] = []
  const node = world.createNode({ programs, boot: (_node, machine) => void machines.push(machine) })
  const [machine] = machines
  if (machine === undefined) throw new Error('not booted')
  return { world, node, machine }
}

const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes)

describe('a simulated child process', () => {
  it('runs as long as its script says, and ends with its code and its output, cut at the bound', async () => {
    const { world, machine } = machineWith({ work: ({ argv }) => ({ forMs: 30, code: 3, stdout: `did ${argv[1]}` }) })
    const child = machine.children.spawn({ argv: ['work', 'it'], maxOutputBytes: 5 })
    const outcome = await world.run(child.done)
    expect(world.time.nowMs).toBe(30)
    expect(outcome).toMatchObject({ kind: 'exited', code: 3, stdout: { dropped: 1 } })
    expect(outcome.kind === 'exited' && text(outcome.stdout.bytes)).toBe('did i')
  })

  it('may crash of a signal, and one that there is no program for does not start', async () => {
    const { world, machine } = machineWith({ dies: () => ({ signal: 'SIGSEGV' }) })
    expect(await world.run(machine.children.spawn({ argv: ['dies'] }).done)).toMatchObject({ signal: 'SIGSEGV' })
    const missing = machine.children.spawn({ argv: ['missing'] })
    expect(missing.pid).toBeUndefined()
    expect(await world.run(missing.done)).toMatchObject({ kind: 'failed', code: 'ENOENT' })
  })

  it('ends soon when stopped, or only after the grace if it heeds no SIGTERM', async () => {
    const hangs =
      (heedsTerm: boolean): Program =>
      () => ({ forMs: Number.POSITIVE_INFINITY, heedsTerm })
    const { world, machine } = machineWith({ good: hangs(true), bad: hangs(false) })
    const [good, bad] = [machine.children.spawn({ argv: ['good'] }), machine.children.spawn({ argv: ['bad'] })]
    for (const child of [good, bad]) child.stop(500)
    expect(await world.run(good.done)).toMatchObject({ kind: 'signalled', signal: 'SIGTERM' })
    expect(world.time.nowMs).toBeLessThan(3)
    expect(await world.run(bad.done)).toMatchObject({ kind: 'signalled', signal: 'SIGKILL' })
    expect(world.time.nowMs).toBeGreaterThanOrEqual(500)
  })

  it('is gone with the power of its node, and nobody hears of it', async () => {
    const { world, machine } = machineWith({ work: () => ({ forMs: 50 }) })
    let settled = false
    void machine.children.spawn({ argv: ['work'] }).done.then(() => {
      settled = true
    })
    world.crash('node')
    world.restart('node')
    await world.advance(1000)
    expect(settled).toBe(false)
  })

  it('lasts as long as the seed says: one seed, one run', async () => {
    const lasting = async (seed: number) => {
      const { world, machine } = machineWith({ work: ({ random }) => ({ code: random.below(256) }) }, seed)
      const outcomes = await world.run(
        Promise.all([1, 2, 3].map(() => machine.children.spawn({ argv: ['work'] }).done)),
      )
      return [world.hash, world.time.nowMs, JSON.stringify(outcomes)]
    }
    expect(await lasting(1)).toEqual(await lasting(1))
    expect(await lasting(1)).not.toEqual(await lasting(2))
  })

  it('a script that throws fails the run, as the scenario does', async () => {
    const run = await runOnce(1, async (world) => {
      world.createNode({
        programs: {
          broken: () => {
            throw new Error('a slip')
          },
        },
        boot: (_node, { children }) => void children.spawn({ argv: ['broken'] }),
      })
      await world.advance(100)
    })
    expect('failure' in run && run.failure.message).toMatch(/scenario broken: .*a slip/)
  })
})

describe('modules and files of a simulated node', () => {
  it('load after a while what the table has, and reject for what it has not', async () => {
    const world = createWorld({ seed: 1 })
    const loaded: unknown[] = []
    world.createNode({
      modules: modulesFrom({ 'file:///m.js': { answer: 42 } }),
      boot: async (_node, { modules }) => {
        loaded.push(await modules.load('file:///m.js', 'answer'))
        for (const [url, name] of [['file:///m.js', 'question'] as const, ['file:///n.js', 'answer'] as const]) {
          await modules.load(url, name).catch((error: unknown) => loaded.push(String(error)))
        }
      },
    })
    expect(loaded).toEqual([])
    await world.advance(100)
    expect(loaded).toEqual([42, 'Error: file:///m.js has no export "question"', 'Error: no module file:///n.js'])
  })

  it('keep over a power cut the files that were flushed, and are made once', async () => {
    const world = createWorld({ seed: 1 })
    const found: (string | undefined)[] = []
    world.createNode({
      boot: async (_node, { files }) => {
        const held = await files.read('/a')
        found.push(held && text(held))
        if (held === undefined) {
          expect(await files.create('/a', Buffer.from('first'))).toBe(true)
          expect(await files.create('/a', Buffer.from('second'))).toBe(false)
          await files.replace('/b', Buffer.from('b'))
          found.push('written')
        }
      },
    })
    await world.advance(100)
    world.crash('node')
    world.restart('node')
    await world.advance(100)
    expect(found).toEqual([undefined, 'written', 'first'])
  })

  it('a handler that awaits a child is not stuck', async () => {
    const run = await runOnce(1, async (world) => {
      let ended = false
      world.createNode({
        programs: { work: () => ({ forMs: 100 }) },
        boot: (node, { children }) => {
          node.spawn(async () => {
            await children.spawn({ argv: ['work'] }).done
            ended = true
          })
        },
      })
      await world.eventually('the child ends', () => ended, { withinMs: 1000 })
    })
    expect(run).not.toHaveProperty('failure')
  })
})
