import { describe, expect, test } from 'vitest'
import { checkAmbient } from './ambient.ts'
import { realWorld } from './real-world.ts'
import { readSources } from './sources.ts'

const complaintsOf = (text: string, path = 'src/kernel/sample.ts') => checkAmbient(new Map([[path, text]]), [])

describe('nothing ambient', () => {
  test('in this repository', { timeout: 120_000 }, () => {
    expect(checkAmbient(readSources('src', 'actors', 'supervisors'), realWorld)).toEqual([])
  })

  test.each([
    ['Date.now', 'const at = Date.now()'],
    ['Date.now', 'const at = Date["now"]()'],
    ['Date', 'const { now } = Date'],
    ['Date', 'const D = Date'],
    ['Date', 'const at = new Date()'],
    ['Date', 'const at = new Date'],
    ['Date', 'const at = new Date(...[])'],
    ['Date', 'const at = Date()'],
    ['Math.random', 'const x = Math.random()'],
    ['Math.random', 'const x = Math?.random()'],
    ['Math', 'const { random } = Math'],
    ['Math', 'const f = (x: "random") => Math[x]()'],
    ['performance', 'const at = performance.now()'],
    ['setTimeout', 'setTimeout(() => {}, 1)'],
    ['setTimeout', 'const later = { setTimeout }'],
    ['setTimeout', 'const later = [setTimeout]'],
    ['setInterval', 'setInterval(() => {}, 1)'],
    ['setImmediate', 'const f = (run = setImmediate) => run'],
    ['queueMicrotask', 'queueMicrotask(() => {})'],
    ['process', 'const at = process.hrtime.bigint()'],
    ['process', 'process.nextTick(() => {})'],
    ['process', 'const home = process.env["HOME"]'],
    ['globalThis', 'globalThis["set" + "Timeout"](() => {}, 1)'],
    ['global', 'global.setTimeout(() => {}, 1)'],
    ['crypto', 'const id = crypto.randomUUID()'],
    ['AbortSignal.timeout', 'const signal = AbortSignal.timeout(5)'],
    ['Atomics.wait', 'Atomics.wait(new Int32Array(1), 0, 0, 5)'],
    ['fetch', 'await fetch("http://localhost")'],
    ['console', 'console.log(1)'],
    ['Function', 'new Function("return Date.now()")()'],
    ['node:crypto', 'import { randomBytes } from "node:crypto"'],
    ['node:crypto', 'import { randomBytes as createHash } from "node:crypto"'],
    ['node:crypto', 'import * as crypto from "node:crypto"'],
    ['node:crypto', 'import crypto from "node:crypto"'],
    ['node:fs', 'import { readFileSync } from "node:fs"'],
    ['node:fs/promises', 'export * from "node:fs/promises"'],
    ['node:fs', 'const fs = await import("node:fs")'],
    ['node:child_process', 'import { spawn } from "node:child_process"'],
    ['node:net', 'import "node:net"'],
    ['node:worker_threads', 'import { Worker } from "node:worker_threads"'],
    ['node:timers/promises', 'import { setTimeout } from "node:timers/promises"'],
    ['node:process', 'import process from "node:process"'],
    ['fs', 'import { readFileSync } from "fs"'],
    ['lmdb', 'import { open } from "lmdb"'],
    ['import()', 'const load = (url: string) => import(url)'],
  ])('red: %s in `%s`', (name, text) => {
    const found = complaintsOf(text)
    expect(found).toHaveLength(1)
    expect(found[0]).toContain(`src/kernel/sample.ts:1: ${name} is ambient; take `)
  })

  test.each([
    'const f = (setTimeout: (ms: number) => void) => setTimeout(5)',
    'const f = ({ now: Date }: { now: { now(): number } }) => Date.now()',
    'const f = (clock: { now(): number; setTimeout(): void }) => [clock.now(), clock.setTimeout()]',
    'class Clock { setTimeout() {} process = 1 }',
    'const process = 1; const x = process + 1',
    'const at = new Date(0).toISOString()',
    'const isDate = (x: unknown) => x instanceof Date',
    'const x = Math.floor(1.5)',
    'type Timer = ReturnType<typeof setTimeout>',
    'interface Ports { readonly process: typeof process; at: Date }',
    'const said = "Date.now()" // and setTimeout() here',
    'const key = { process: 1, setTimeout: 2 }',
    'const here = import.meta.url',
    'import type { MessagePort } from "node:worker_threads"',
    'import { createHash, timingSafeEqual } from "node:crypto"',
    'import { inspect } from "node:util"',
    'import { Packr } from "msgpackr"',
  ])('fine: `%s`', (text) => {
    expect(complaintsOf(text)).toEqual([])
  })

  test('src/system is free, and so is a named file in the names it is given', () => {
    const text = 'setImmediate(() => {}); setTimeout(() => {}, 1)'
    expect(complaintsOf(text, 'src/system/turns.ts')).toEqual([])
    const path = 'src/simulation/turn.ts'
    const entry = { path, names: ['setImmediate'], reason: 'the host’s turn between two virtual events' }
    expect(checkAmbient(new Map([[path, text]]), [entry])).toEqual([
      `${path}:1: setTimeout is ambient; take the port Clock`,
    ])
  })

  test('red: an allowance that nothing needs', () => {
    const entry = { path: 'src/simulation/turn.ts', names: ['setImmediate'], reason: 'gone' }
    expect(checkAmbient(new Map(), [entry])).toEqual([
      'src/simulation/turn.ts: setImmediate: allowed as real world, but not used',
    ])
  })
})
