import { spawn } from 'node:child_process'
import { createHash, randomBytes } from 'node:crypto'
import { existsSync, readFileSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { createServer, Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import { Worker } from 'node:worker_threads'
import { afterEach, describe, expect, it } from 'vitest'
import { ambientCalls } from '../../src/simulation/ambient-calls.ts'
import { AmbientError, AmbientGuard, type AmbientGuardOptions } from '../../src/simulation/index.ts'

const guards: AmbientGuard[] = []

function guard(options?: AmbientGuardOptions): AmbientGuard {
  const made = new AmbientGuard(options)
  guards.push(made)
  return made
}

afterEach(() => {
  for (const made of guards.splice(0)) made.remove()
})

const weak = new WeakRef({})
const registry = new FinalizationRegistry(() => {})
const nothing = () => {}

const escapes: readonly (readonly [call: string, act: () => unknown])[] = [
  ['setTimeout', () => setTimeout(nothing, 0)],
  ['setInterval', () => setInterval(nothing, 1000)],
  ['setImmediate', () => setImmediate(nothing)],
  ['timers/promises.setTimeout', () => sleep(1)],
  ['timers/promises.setTimeout', () => promisify(setTimeout)(1)],
  ['Date.now', () => Date.now()],
  ['new Date', () => new Date()],
  ['Date', () => Date()],
  ['performance.now', () => performance.now()],
  ['process.hrtime', () => process.hrtime()],
  ['process.hrtime.bigint', () => process.hrtime.bigint()],
  ['AbortSignal.timeout', () => AbortSignal.timeout(1000)],
  ['Math.random', () => Math.random()],
  ['crypto.randomUUID', () => crypto.randomUUID()],
  ['crypto.getRandomValues', () => crypto.getRandomValues(new Uint8Array(1))],
  ['crypto.randomBytes', () => randomBytes(1)],
  ['fs.readFileSync', () => readFileSync('package.json')],
  ['fs/promises.readFile', () => readFile('package.json')],
  ['child_process.spawn', () => spawn('true')],
  ['new worker_threads.Worker', () => new Worker('0', { eval: true })],
  ['net.Socket.connect', () => new Socket().connect(1)],
  ['net.Server.listen', () => createServer().listen(0)],
  ['fetch', () => fetch('http://127.0.0.1:1')],
  ['WeakRef.deref', () => weak.deref()],
  ['FinalizationRegistry.register', () => registry.register({}, 0)],
]

describe('AmbientGuard', () => {
  it.each(escapes)('refuses %s, naming it', (call, act) => {
    const inForce = guard()
    const refusal = expect.objectContaining({ name: 'AmbientError', code: 'ERR_AMBIENT', call })
    expect(() => inForce.run(act)).toThrow(refusal)
    expect(() => inForce.run(act)).toThrow(`${call} was called in a simulated world: `)
  })

  it('refuses every call of its list, under this Node version', () => {
    const inForce = guard()
    const calls = ambientCalls()
    expect(calls.length).toBeGreaterThan(200)
    for (const { holder, key, name } of calls) {
      const act = (holder as Record<string, () => unknown>)[key]
      expect(() => inForce.run(() => act?.call(holder)), name).toThrow(AmbientError)
    }
  })

  it('lets pass what only computes', async () => {
    const answers = guard().run(() => [
      new Date(0).toISOString(),
      Date.UTC(1970, 0, 2),
      new Date(5) instanceof Date,
      Math.floor(1.5),
      createHash('sha256').update('').digest('hex').length,
      clearTimeout(undefined),
    ])
    expect(answers).toEqual(['1970-01-01T00:00:00.000Z', 86_400_000, true, 1, 64, undefined])
    await guard().run(() => new Promise<void>((resolve) => queueMicrotask(resolve)))
  })

  it('reaches what a step awaits, and what goes on after the step has returned', async () => {
    const inForce = guard()
    const step = async () => {
      await null
      return Date.now()
    }
    await expect(inForce.run(step)).rejects.toThrow(AmbientError)
    let release = nothing
    const gate = new Promise<void>((resolve) => {
      release = resolve
    })
    const detached = inForce.run(() => gate.then(() => Math.random()))
    release()
    await expect(detached).rejects.toThrow('Math.random was called')
  })

  it('leaves everyone else alone, also while a step is under way', async () => {
    const inForce = guard()
    let release = nothing
    const step = inForce.run(() => new Promise<void>((resolve) => (release = resolve)))
    await sleep(1)
    expect(Date.now()).toBeGreaterThan(1_600_000_000_000)
    expect(new Date().getFullYear()).toBeGreaterThan(2020)
    expect(existsSync('package.json')).toBe(true)
    release()
    await step
  })

  it('lets the simulator itself out', async () => {
    const inForce = guard()
    const turned = inForce.run(() => inForce.outside(() => new Promise((resolve) => setImmediate(resolve, 'turned'))))
    expect(await turned).toBe('turned')
    expect(() => inForce.run(() => [inForce.outside(() => Date.now()), Date.now()])).toThrow(AmbientError)
  })

  it('lets through what it is told to: --break ambient', () => {
    const broken = guard({ except: ['Date.now'] })
    expect(broken.run(() => Date.now())).toBeGreaterThan(0)
    expect(() => broken.run(() => Math.random())).toThrow(AmbientError)
    expect(() => guard().run(() => Date.now())).toThrow(AmbientError)
  })

  it('puts everything back when the last guard is removed', () => {
    const calls = ambientCalls()
    const look = () => [
      ...calls.map(({ holder, key }) => Object.getOwnPropertyDescriptor(holder, key)),
      Object.getOwnPropertyDescriptor(globalThis, 'Date'),
    ]
    const before = look()
    const importedBefore = readFileSync
    const first = guard()
    const second = guard()
    const during = look()
    expect(during.every((descriptor, i) => descriptor?.value !== before[i]?.value)).toBe(true)
    expect(readFileSync).not.toBe(importedBefore)
    first.remove()
    first.remove()
    expect(first.run(() => Date.now())).toBeGreaterThan(0)
    expect(() => second.run(() => Date.now())).toThrow(AmbientError)
    second.remove()
    expect(look()).toEqual(before)
    expect(look().map((descriptor) => descriptor?.value)).toEqual(before.map((descriptor) => descriptor?.value))
    expect(readFileSync).toBe(importedBefore)
  })

  it('does not undo what someone else has replaced since', () => {
    const original = Date.now
    const inForce = guard()
    const theirs = () => 7
    Date.now = theirs
    inForce.remove()
    const after = Date.now
    Date.now = original
    expect(after).toBe(theirs)
  })
})
