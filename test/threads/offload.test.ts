import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { until } from '../kernel/until.ts'
import { room, workerModule } from './fixture.ts'

const work = workerModule('work.mjs')
let pool: InstanceType<typeof room.OffloadPool>

beforeEach(() => {
  pool = new room.OffloadPool({ maxThreads: 1, maxQueue: 1 })
})

afterEach(() => pool.close())

describe('offloaded work', () => {
  test('answers what the function returns, and rejects with what it throws', async () => {
    expect(await pool.run(work, 'add', [1, 2])).toBe(3)
    await expect(pool.run(work, 'fail', [])).rejects.toThrow(/no such work/)
    await expect(pool.run(work, 'nothing', [])).rejects.toThrow(/no export "nothing"/)
  })

  test('rejects with the error as it was: class, code, cause and stack', async () => {
    const error: unknown = await pool.run(work, 'fail', []).catch((error: unknown) => error)
    expect(error).toBeInstanceOf(RangeError)
    expect(error).toMatchObject({ code: 'ERR_WORK', cause: { name: 'TypeError', code: 'ERR_BELOW' } })
    expect(error instanceof Error && error.stack).toContain('work.mjs')
  })

  test('is ended where it stands when its time is over, and the pool serves on', async () => {
    await expect(pool.run(work, 'spin', [], { timeoutMs: 300 })).rejects.toMatchObject({ code: 'ERR_OFFLOAD_TIMEOUT' })
    expect(await pool.run(work, 'add', [1, 2])).toBe(3)
  })

  test('is ended by its signal, with its reason', async () => {
    const control = new AbortController()
    const run = pool.run(work, 'spin', [], { signal: control.signal })
    control.abort(new Error('enough'))
    await expect(run).rejects.toThrow('enough')
    await expect(pool.run(work, 'add', [1, 2], { signal: control.signal })).rejects.toThrow('enough')
    expect(await pool.run(work, 'add', [1, 2])).toBe(3)
  })

  test('is refused when too much waits', async () => {
    const control = new AbortController()
    const words = new Int32Array(new SharedArrayBuffer(4))
    const running = pool.run(work, 'spin', [words], { signal: control.signal }).catch(() => {})
    await until(() => Atomics.load(words, 0) === 1)
    const queued = pool.run(work, 'add', [1, 2])
    await expect(pool.run(work, 'add', [1, 2])).rejects.toMatchObject({ code: 'ERR_CAPACITY', field: 'maxQueue' })
    control.abort()
    expect(await queued).toBe(3)
    await running
  })

  test('fails alone when it ends its thread', async () => {
    await expect(pool.run(work, 'exit', [])).rejects.toThrow()
    expect(await pool.run(work, 'add', [1, 2])).toBe(3)
  })

  test('refuses options that make no sense', async () => {
    expect(() => new room.OffloadPool({ maxThreads: 0 })).toThrow(/maxThreads/)
    await expect(pool.run(work, 'add', [1, 2], { timeoutMs: 0 })).rejects.toThrow(/timeoutMs/)
  })
})
