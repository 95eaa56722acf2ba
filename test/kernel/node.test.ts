import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { createNode, defineServer, OptionError, type Self } from 'espalier'
import { createWorld } from 'espalier/testing'
import { describe, expect, test } from 'vitest'
import { compiledFolder } from '../storage/compiled.ts'
import { until } from './until.ts'

/** Runs a program on the built package in a child, which must end by itself; answers what it prints. */
async function runChild(program: string): Promise<string> {
  const face = join(compiledFolder('src/kernel'), '..', 'index.js')
  const code = `import { createNode, defineServer, reply, supervisor } from ${JSON.stringify(face)}\n${program}`
  const child = promisify(execFile)
  const { stdout } = await child(process.execPath, ['--expose-gc', '--input-type=module', '-e', code], {
    timeout: 60_000,
  })
  return stdout.trim()
}

describe('idle', () => {
  test('waits for handlers that await, and for what they set off', async () => {
    const node = createNode()
    const log: string[] = []
    const Server = defineServer({
      init: () => null,
      cast: {
        work: async ({ self, state }) => {
          await new Promise((resolve) => setTimeout(resolve, 20))
          log.push('worked')
          self.cast(self.pid as never, 'again' as never)
          return state
        },
        again: ({ state }) => {
          log.push('again')
          return state
        },
      },
    })
    const server = await node.start(Server)
    server.cast('work')
    await node.idle()
    expect(log).toEqual(['worked', 'again'])
    await node.stop()
  })

  test('does not wait for timers, nor for processes that receive', async () => {
    const node = createNode()
    node.spawn(async (self) => {
      self.sendAfter(1_000_000, self.pid, 'late')
      await self.receive()
    })
    await node.idle()
    expect(node.timerCount).toBe(1)
    await node.stop()
  })

  test('of an empty node resolves', async () => {
    await createNode().idle()
  })

  test('is not held up by the code of a process that has been killed', async () => {
    const node = createNode()
    let begun = false
    const pid = node.spawn(() => {
      begun = true
      return new Promise(() => {})
    })
    await until(() => begun)
    node.sendExit(pid, 'kill')
    await node.idle()
    expect(node.processes()).toEqual([])
  })
})

describe('stop', () => {
  test('asks servers to end, the youngest first, and tells them shutdown', async () => {
    const node = createNode()
    const log: unknown[] = []
    const Server = defineServer({
      init: (name: string) => name,
      terminate: ({ state }, reason) => void log.push([state, reason]),
    })
    for (const name of ['first', 'second', 'third']) await node.start(Server, name)
    await node.stop()
    expect(log).toEqual([
      ['third', 'shutdown'],
      ['second', 'shutdown'],
      ['first', 'shutdown'],
    ])
    expect(node.processes()).toEqual([])
  })

  test('kills what does not end in time', async () => {
    const world = createWorld()
    const node = world.createNode()
    const Stubborn = defineServer({ init: () => null, terminate: () => new Promise<void>(() => {}) })
    await world.run(node.start(Stubborn))
    node.spawn(async (self) => {
      self.trapExit = true
      for (;;) await self.receive()
    })
    node.spawn(() => new Promise(() => {}))
    await world.settle()
    await world.run(node.stop({ timeoutMs: 100 }))
    expect([node.processes(), node.timerCount, node.now()]).toEqual([[], 0, 100])
  })

  test('twice is once', async () => {
    const node = createNode()
    expect(node.stop()).toBe(node.stop())
    await node.stop()
  })

  test('leaves nothing that keeps the host alive', async () => {
    const printed = await runChild(`
      const Server = defineServer({ init: () => 0, call: { never: () => new Promise(() => {}) } })
      const node = createNode()
      const server = await node.start(Server)
      node.spawn(async (self) => { self.trapExit = true; for (;;) await self.receive(undefined, { timeoutMs: 1e8 }) })
      node.spawn(async (self) => { self.sendAfter(1e8, self.pid, 1); self.sendAfter(1e8, 'nobody', 1); await self.sleep(1e8) })
      node.spawn(async (self) => { await self.call(server, 'never', { timeoutMs: 1e8 }) })
      server.call('never', { timeoutMs: 1e8 }).catch((error) => console.log(error.code))
      await node.start(supervisor({ strategy: 'one_for_one', intensity: 1, periodMs: 1000, children: [{ id: 'a', start: [Server] }] }))
      await new Promise((resolve) => setTimeout(resolve, 20))
      await node.stop({ timeoutMs: 20 })
      console.log(node.processes().length, node.timerCount)
      process.on('exit', () => console.log('over'))
    `)
    expect(printed.split('\n')).toEqual(['ERR_EXIT', '0 0', 'over'])
  })

  test('is not needed where no timer is set: an idle node lets the host end', async () => {
    const printed = await runChild(`
      const Server = defineServer({ init: () => 0, call: { get: ({ state }) => reply(state, state) } })
      const server = await createNode().start(Server)
      console.log(await server.call('get'))
    `)
    expect(printed).toBe('0')
  })
})

test('a hundred thousand processes come and go, and the heap is as it was', async () => {
  const printed = await runChild(`
    const Server = defineServer({ init: (n) => n, call: { get: ({ state }) => reply(state, state) } })
    const node = createNode()
    const keeper = node.spawn(async (self) => { for (;;) await self.receive() })
    const round = (count) => new Promise((resolve, reject) => {
      node.spawn(async (self) => {
        self.trapExit = true
        for (let i = 0; i < count; i++) {
          const server = await self.startLink(Server, i, { name: 'it' })
          self.monitor(server)
          self.alias()
          self.sendAfter(1e6, server, 'never')
          const { pid } = self.spawnMonitor((child) => { child.link(keeper); child.unlink(keeper) })
          await self.call(server, 'get')
          await server.stop()
          for (let k = 0; k < 3; k++) await self.receive()
        }
      })
      node.idle().then(resolve, reject)
    })
    const heap = async () => {
      await new Promise((resolve) => setTimeout(resolve, 10))
      gc(); gc()
      return process.memoryUsage().heapUsed
    }
    await round(1000)
    const before = await heap()
    await round(50_000)
    const after = await heap()
    console.log(after - before, node.counters.started, node.processes().length, node.timerCount)
    await node.stop()
  `)
  const [grown, started, left, timers] = printed.split(' ').map(Number)
  expect(grown).toBeLessThan(500_000)
  expect([started, left, timers]).toEqual([102_003, 1, 0])
})

test('a pid is never given twice, and tells its node and life', async () => {
  const pids = new Set<string>()
  for (let life = 0; life < 3; life++) {
    const node = createNode({ name: 'shop' })
    for (let i = 0; i < 100; i++) pids.add(String(node.spawn(() => {})))
    await node.stop()
  }
  expect(pids.size).toBe(300)
  for (const pid of pids) expect(pid).toMatch(/^<shop\.\d+\.\d+>$/)
})

test('parents are told to children, and children end with a parent that they are linked to', async () => {
  const node = createNode()
  const seen: unknown[] = []
  const child = async (self: Self) => {
    seen.push(self.parent)
    await self.receive()
  }
  const parent = node.spawn(async (self) => {
    seen.push(self.parent)
    self.spawn(child, { link: true })
    self.spawn(child)
    await self.receive((message) => message === 'end')
    self.exit('boom')
  })
  await node.idle()
  node.send(parent, 'end')
  await node.idle()
  expect(seen).toEqual([undefined, parent, parent])
  expect(node.processes().length).toBe(1)
  await node.stop()
})

test.each(['', 'a b', 'ä', 'x'.repeat(256)])('%j is no name for a node', (name) => {
  expect(() => createNode({ name })).toThrow(OptionError)
})
