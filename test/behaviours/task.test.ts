import {
  asyncNolink,
  asyncStream,
  asyncSupervised,
  asyncTask,
  awaitMany,
  Exit,
  ExitError,
  type Self,
  startTask,
  type TaskSupervisor,
  taskSupervisor,
  yieldMany,
} from 'espalier'
import { createWorld } from 'espalier/testing'
import { describe, expect, test } from 'vitest'

async function world() {
  const it = createWorld()
  const node = it.createNode()
  const tasks: TaskSupervisor = await it.run(node.start(taskSupervisor()))
  /** Runs `body` in a process and answers what it returned, or the reason of its end. */
  const inProcess = async <T>(body: (self: Self) => Promise<T>): Promise<T | { died: unknown }> =>
    it.run(
      new Promise((resolve) => {
        node.spawn(async (watcher) => {
          const { ref } = watcher.spawnMonitor(async (self) => resolve(await body(self)))
          const down = await watcher.receive()
          resolve({ died: (down as { reason: unknown; ref: typeof ref }).reason })
        })
      }),
    )
  const count = () => it.run(tasks.call('count_children'))
  return { it, node, tasks, inProcess, count }
}

const lasting =
  <T>(ms: number, value: T) =>
  async (self: Self) => {
    await self.sleep(ms)
    return value
  }

const crash = () => {
  throw new Error('boom')
}

const reasonOf = (promise: Promise<unknown>) =>
  promise.then(
    () => 'no error',
    (error: unknown) => (error instanceof ExitError ? error.reason : error),
  )

describe('a task of its owner', () => {
  test('runs beside it and is awaited with the type of its value', async () => {
    const { inProcess, node } = await world()
    const sum = await inProcess(async (self) => {
      const [a, b] = [asyncTask(self, lasting(50, 1)), asyncTask(self, () => 'two')]
      const first: number = await a.await()
      const second: string = await b.await()
      return [first, second]
    })
    expect(sum).toEqual([1, 'two'])
    expect(node.now()).toBe(50)
  })

  test('takes its owner along when it fails, and the other way round', async () => {
    const { inProcess, it, node } = await world()
    const died = await inProcess((self) => asyncTask(self, crash).await())
    expect(died).toMatchObject({ died: { error: new Error('boom') } })
    const before = node.processes().length
    await inProcess(async (self) => {
      asyncTask(self, lasting(1000, 1))
      self.exit('enough')
    })
    await it.settle()
    expect(node.processes()).toHaveLength(before)
  })

  test('that is not in time is killed; the owner, told of the time-out, lives on', async () => {
    const { inProcess, node } = await world()
    const seen = await inProcess(async (self) => {
      const task = asyncTask(self, lasting(1000, 1))
      const reason = await reasonOf(task.await({ timeoutMs: 100 }))
      await self.sleep(1)
      return [reason, self.isAlive(task.pid)]
    })
    expect(seen).toEqual(['timeout', false])
    expect(node.now()).toBe(101)
  })

  test('goes on after a yield, and can be shut down for the result it has', async () => {
    const { inProcess } = await world()
    const seen = await inProcess(async (self) => {
      const [slow, endless, quick] = [
        asyncTask(self, lasting(100, 1)),
        asyncTask(self, lasting(9e5, 2)),
        asyncTask(self, () => 3),
      ]
      const early = await slow.yield({ timeoutMs: 50 })
      return [early, await slow.yield(), await endless.shutdown(), await quick.shutdown()]
    })
    expect(seen).toEqual([undefined, { ok: 1 }, undefined, { ok: 3 }])
  })

  test('that traps exits is killed when its time to shut down is over', async () => {
    const { inProcess, node } = await world()
    const seen = await inProcess(async (self) => {
      const stubborn = asyncTask(self, async (own) => {
        own.trapExit = true
        await own.sleep(9e5)
      })
      await self.sleep(1)
      return [await stubborn.shutdown({ timeoutMs: 100 }), self.isAlive(stubborn.pid)]
    })
    expect(seen).toEqual([undefined, false])
    expect(node.now()).toBe(101)
  })
})

describe('a supervised task', () => {
  test('runs under its supervisor and is gone when it is done', async () => {
    const { it, node, tasks, count } = await world()
    let ran = 0
    await it.run(
      startTask(node, tasks, async (self) => {
        await self.sleep(10)
        ran++
      }),
    )
    expect(await count()).toMatchObject({ active: 1 })
    await it.advance(10)
    expect(ran).toBe(1)
    expect(await count()).toMatchObject({ active: 0 })
  })

  test('without a link does not take its owner along, nor its supervisor, however often it fails', async () => {
    const { it, node, tasks, inProcess } = await world()
    const reasons = await inProcess(async (self) => {
      const seen: unknown[] = []
      for (let i = 0; i < 5; i++) seen.push(await reasonOf((await asyncNolink(self, tasks, crash)).await()))
      return seen
    })
    expect(reasons).toHaveLength(5)
    expect(reasons).toMatchObject([{ error: new Error('boom') }, {}, {}, {}, {}])
    expect(node.isAlive(tasks)).toBe(true)
    const outside = await it.run(asyncNolink(node, tasks, lasting(5, 'done')))
    expect(await it.run(outside.await())).toBe('done')
  })

  test('with a link does', async () => {
    const { tasks, inProcess } = await world()
    const died = await inProcess(async (self) => (await asyncSupervised(self, tasks, crash)).await())
    expect(died).toMatchObject({ died: { error: new Error('boom') } })
    const told = await inProcess(async (self) => {
      self.trapExit = true
      const task = await asyncSupervised(self, tasks, crash)
      return [await self.receive((message) => message instanceof Exit), self.links().includes(task.pid)]
    })
    expect(told).toMatchObject([{ reason: { error: new Error('boom') } }, false])
  })

  test('ends with its supervisor, and whoever awaits it is told', async () => {
    const { it, node, tasks } = await world()
    const task = await it.run(asyncNolink(node, tasks, lasting(9e5, 1)))
    const reason = reasonOf(task.await({ timeoutMs: Number.POSITIVE_INFINITY }))
    await it.run(tasks.stop())
    expect(await it.run(reason)).toBe('shutdown')
  })

  test('too many are refused', async () => {
    const { it, node } = await world()
    const few = await it.run(node.start(taskSupervisor({ maxChildren: 1 })))
    await it.run(startTask(node, few, lasting(100, 1)))
    expect(await it.run(reasonOf(startTask(node, few, lasting(100, 1))))).toBe('max_children')
    expect(await it.run(reasonOf(asyncNolink(node, few, lasting(100, 1))))).toBe('max_children')
  })
})

describe('many tasks', () => {
  test('are awaited together, in their order, until one deadline of 30 s', async () => {
    const { it, node, tasks, count } = await world()
    const start = (ms: number) => it.run(asyncNolink(node, tasks, lasting(ms, ms)))
    expect(await it.run(awaitMany([await start(30), await start(10), await start(20)]))).toEqual([30, 10, 20])
    const both = [await start(29_000), await start(31_000)]
    const begun = node.now()
    expect(await it.run(reasonOf(awaitMany(both)))).toBe('timeout')
    expect(node.now() - begun).toBe(30_000)
    await it.settle()
    expect(await count()).toMatchObject({ active: 0 })
    expect(await it.run(awaitMany([]))).toEqual([])
  })

  test('are killed when one of them fails', async () => {
    const { it, node, tasks, count } = await world()
    const slow = await it.run(asyncNolink(node, tasks, lasting(9e5, 1)))
    const failing = await it.run(
      asyncNolink(node, tasks, async (self) => {
        await self.sleep(10)
        self.exit('enough')
      }),
    )
    expect(await it.run(reasonOf(awaitMany([slow, failing])))).toBe('enough')
    await it.settle()
    expect(await count()).toMatchObject({ active: 0 })
  })

  test('can be looked at together', async () => {
    const { it, node, tasks } = await world()
    const both = [
      await it.run(asyncNolink(node, tasks, lasting(10, 1))),
      await it.run(asyncNolink(node, tasks, lasting(99, 2))),
    ]
    expect(await it.run(yieldMany(both, { timeoutMs: 50 }))).toEqual([{ ok: 1 }, undefined])
  })
})

describe('a stream of tasks', () => {
  const collect = async <T>(stream: AsyncIterable<T>) => {
    const results: T[] = []
    for await (const result of stream) results.push(result)
    return results
  }

  test('runs so many at a time, and yields in the order of the items', async () => {
    const { it, node } = await world()
    let now = 0
    let most = 0
    const work = async (ms: number, self: Self) => {
      most = Math.max(most, ++now)
      await self.sleep(ms)
      now--
      return ms
    }
    const stream = asyncStream(node, [40, 10, 30, 20], work, { maxConcurrency: 2 })
    expect(await it.run(collect(stream))).toEqual([{ ok: 40 }, { ok: 10 }, { ok: 30 }, { ok: 20 }])
    expect(most).toBe(2)
    const unordered = asyncStream(node, [40, 10, 30, 20], work, { maxConcurrency: 2, ordered: false })
    expect(await it.run(collect(unordered))).toEqual([{ ok: 10 }, { ok: 40 }, { ok: 30 }, { ok: 20 }])
  })

  test('draws no more items than it has tasks, and kills what runs when its consumer stops', async () => {
    const { it, node, tasks, count } = await world()
    let drawn = 0
    function* endless() {
      for (;;) yield drawn++
    }
    const take = async () => {
      const stream = asyncStream(node, endless(), (n, self) => lasting(n === 0 ? 1 : 9e5, n)(self), {
        maxConcurrency: 3,
        timeoutMs: Number.POSITIVE_INFINITY,
        supervisor: tasks,
      })
      for await (const result of stream) return result
      return undefined
    }
    expect(await it.run(take())).toEqual({ ok: 0 })
    expect(drawn).toBe(3)
    await it.settle()
    expect(await count()).toMatchObject({ active: 0 })
  })

  test('ends with a task too slow, or goes on without it', async () => {
    const { it, node } = await world()
    const work = (ms: number, self: Self) => lasting(ms, ms)(self)
    expect(await it.run(reasonOf(collect(asyncStream(node, [10, 200], work, { timeoutMs: 100 }))))).toBe('timeout')
    const going = asyncStream(node, [10, 200, 20], work, { timeoutMs: 100, onTimeout: 'kill_task' })
    expect(await it.run(collect(going))).toEqual([{ ok: 10 }, { exit: 'timeout' }, { ok: 20 }])
    await it.settle()
    expect(node.processes()).toHaveLength(1)
  })

  test('takes the process along that asks, if a task fails, unless told otherwise', async () => {
    const { inProcess } = await world()
    const linked = await inProcess((self) => collect(asyncStream(self, [1], crash)))
    expect(linked).toMatchObject({ died: { error: new Error('boom') } })
    const apart = await inProcess((self) => collect(asyncStream(self, [1], crash, { link: false })))
    expect(apart).toMatchObject([{ exit: { error: new Error('boom') } }])
  })

  test('names a wrong option', async () => {
    const { node } = await world()
    const wrong = collect(asyncStream(node, [], (n) => n, { maxConcurrency: 0 }))
    await expect(wrong).rejects.toThrow('maxConcurrency: expected an integer >= 1, got 0')
  })
})
