import { spawn } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import type { ChildOutcome, ChildOutput } from '../../src/kernel/ports/index.ts'
import { createSystemChildren } from '../../src/system/index.ts'
import { isAlive, processesWith, until } from './processes.ts'

const children = createSystemChildren()
let folder: string
let mark: string
let env: Record<string, string>

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'espalier-children-'))
  mark = `TEST_MARK=${randomUUID()}`
  env = { PATH: process.env.PATH ?? '', TEST_MARK: mark.slice('TEST_MARK='.length) }
})

afterEach(() => {
  const left = processesWith(mark)
  for (const pid of left) process.kill(pid, 'SIGKILL')
  rmSync(folder, { recursive: true })
  expect(left).toEqual([])
})

const shell = (script: string, more: { input?: Uint8Array; maxOutputBytes?: number } = {}) =>
  children.spawn({ argv: ['/bin/sh', '-c', script], cwd: folder, env, ...more })
const text = (output: ChildOutput) => Buffer.from(output.bytes).toString()
const outputOf = (outcome: ChildOutcome) => ('stdout' in outcome ? text(outcome.stdout) : outcome)
/** The pid that a script wrote with `echo $! > name`. */
const written = (name: string) =>
  until(() => {
    const path = join(folder, name)
    // The file is there before its line is.
    const [, pid] = (existsSync(path) && /^(\d+)\n$/.exec(readFileSync(path, 'utf8'))) || []
    return pid === undefined ? undefined : Number(pid)
  })

describe('a child that ends by itself', () => {
  test('reports its exit code and both streams', async () => {
    const outcome = await shell('echo out; echo err >&2; exit 3').done
    expect(outcome).toMatchObject({ kind: 'exited', code: 3, stdout: { dropped: 0 }, stderr: { dropped: 0 } })
    expect(outputOf(outcome)).toBe('out\n')
  })

  test('reports the signal that ended it', async () => {
    expect(await shell('kill -USR1 $$').done).toMatchObject({ kind: 'signalled', signal: 'SIGUSR1' })
  })

  test('has only the environment it is given, and its lineage', async () => {
    const outcome = await children.spawn({ argv: ['/usr/bin/env'], env: { A: '1' } }).done
    expect(outputOf(outcome)).toMatch(/^A=1\nESPALIER_LINEAGE=\S+\n$/)
  })

  test('inherits our environment when given none', async () => {
    const outcome = await children.spawn({ argv: ['/bin/sh', '-c', 'echo $PATH'] }).done
    expect(outputOf(outcome)).toBe(`${process.env.PATH}\n`)
  })

  test('reads its input to the end', async () => {
    const input = Buffer.alloc(300_000, 'x')
    expect(outputOf(await shell('wc -c', { input }).done)).toMatch(/^\s*300000\n$/)
  })

  test('may leave its input unread', async () => {
    const outcome = await shell('exit 0', { input: Buffer.alloc(5_000_000) }).done
    expect(outcome).toMatchObject({ kind: 'exited', code: 0 })
  })

  test('keeps the first bytes of a huge output and counts the rest', async () => {
    const script = 'head -c 50000000 /dev/zero; head -c 3000 /dev/zero >&2'
    const outcome = await shell(script, { maxOutputBytes: 1000 }).done
    expect(outcome).toMatchObject({ kind: 'exited', stdout: { dropped: 49_999_000 }, stderr: { dropped: 2000 } })
    expect(outcome.kind === 'exited' && outcome.stdout.bytes.length).toBe(1000)
  })

  test('keeps an output that just fits', async () => {
    const outcome = await shell('printf 12345', { maxOutputBytes: 5 }).done
    expect(outcome).toMatchObject({ stdout: { dropped: 0 } })
    expect(outputOf(outcome)).toBe('12345')
  })
})

describe('a child that cannot start', () => {
  test.each([
    ['a missing program', ['/no/such/program'], undefined, 'ENOENT', 'no such program: /no/such/program'],
    ['a missing folder', ['/bin/true'], '/no/such/folder', 'ENOENT', 'no such folder: /no/such/folder'],
    ['a file that is no program', ['/etc/passwd'], undefined, 'EACCES', 'spawn /etc/passwd EACCES'],
    ['an empty name', [''], undefined, 'ERR_INVALID_ARG_VALUE', expect.stringContaining('cannot be empty')],
  ] as const)('%s is a failed outcome, not an exception', async (_name, argv, cwd, code, message) => {
    const child = children.spawn({ argv, ...(cwd === undefined ? {} : { cwd }) })
    child.stop()
    expect(child.pid).toBeUndefined()
    expect(await child.done).toEqual({ kind: 'failed', code, message })
  })
})

describe('stop', () => {
  test('lets a child end in order on SIGTERM', async () => {
    const child = shell("trap 'echo bye; exit 7' TERM; echo $$ > up; while :; do sleep 0.01; done")
    await written('up')
    child.stop()
    child.stop()
    const outcome = await child.done
    expect(outcome).toMatchObject({ kind: 'exited', code: 7 })
    expect(outputOf(outcome)).toBe('bye\n')
  })

  test('kills a child that ignores SIGTERM after the grace', async () => {
    const child = shell("trap '' TERM; echo $$ > up; while :; do sleep 1; done")
    await written('up')
    child.stop(50)
    expect(await child.done).toMatchObject({ kind: 'signalled', signal: 'SIGKILL' })
  })

  test('ends a child that is stopped by SIGSTOP', async () => {
    const child = shell('echo $$ > up; kill -STOP $$')
    await written('up')
    child.stop(50)
    expect(await child.done).toMatchObject({ kind: 'signalled' })
  })

  test('after the end changes nothing', async () => {
    const child = shell('exit 0')
    await child.done
    child.stop()
    expect(await child.done).toMatchObject({ kind: 'exited', code: 0 })
  })

  test.each([
    ['in its process group', 'sleep 1000 & echo $! > up; wait'],
    ['that ignores SIGTERM', "(trap '' TERM; exec sleep 1000) & echo $! > up; wait"],
    ['in a session of its own', "setsid sh -c 'echo $$ > up; exec sleep 1000' & wait"],
    ['made a daemon (its parents gone)', "setsid sh -c 'sleep 1000 & echo $! > up' & wait; sleep 1000"],
    ['with its environment wiped', "env -i setsid /bin/sh -c 'echo $$ > up; exec sleep 1000' & wait"],
  ])('leaves no grandchild %s', async (_name, script) => {
    const child = shell(script)
    const grandchild = await written('up')
    expect(isAlive(grandchild)).toBe(true)
    child.stop(50)
    expect(await child.done).toMatchObject({ kind: 'signalled' })
    expect(isAlive(grandchild)).toBe(false)
    expect(processesWith(mark)).toEqual([])
  })

  test('outruns a child that forks while it is killed', async () => {
    const child = shell("trap '' TERM; echo $$ > up; while :; do setsid sleep 1000 & done")
    await written('up')
    child.stop(0)
    await child.done
    expect(processesWith(mark)).toEqual([])
  })

  test('red: killing the child alone leaves its grandchild, and the look at /proc sees it', async () => {
    const script = 'setsid sleep 1000 & echo $! > up; wait'
    const child = spawn('/bin/sh', ['-c', script], { cwd: folder, env, stdio: 'ignore', detached: true })
    const grandchild = await written('up')
    const ended = new Promise((resolve) => child.once('exit', resolve))
    child.kill('SIGKILL')
    await ended
    expect(processesWith(mark)).toContain(grandchild)
    process.kill(grandchild, 'SIGKILL')
    await until(() => !isAlive(grandchild))
  })
})

describe('what a child leaves behind', () => {
  test('is stopped when the child ends, and the exit code stands', async () => {
    const outcome = await shell('setsid sleep 1000 & sleep 1000 & exit 4').done
    expect(outcome).toMatchObject({ kind: 'exited', code: 4 })
    expect(processesWith(mark)).toEqual([])
  })

  test('the limit: a daemon that wiped its environment and lost its parents unseen is not found', async () => {
    const script = "env -i setsid /bin/sh -c 'sleep 1000 & echo $! > up'"
    const outcome = await shell(script).done
    expect(outcome).toMatchObject({ kind: 'exited', code: 0 })
    const daemon = await written('up')
    expect(isAlive(daemon)).toBe(true)
    process.kill(daemon, 'SIGKILL')
  })

  test('of a nested child is found by the outer mark too', async () => {
    const inner = randomUUID()
    // As an inner runtime does it: the lineage grows, the session is new.
    const script = `ESPALIER_LINEAGE=$ESPALIER_LINEAGE/${inner} setsid sh -c 'sleep 1000 & echo $! > up' & wait; exit 0`
    await shell(script).done
    expect(isAlive(await written('up'))).toBe(false)
  })

  test('that cannot be killed is named, and `done` still settles', async () => {
    const stubborn = createSystemChildren({ unkillableAfterMs: 50 })
    const child = stubborn.spawn({ argv: ['/bin/sh', '-c', 'sleep 1000'], env })
    const kill = vi.spyOn(process, 'kill').mockImplementation(() => true)
    try {
      child.stop(0)
      expect(await child.done).toEqual({
        kind: 'failed',
        code: 'ERR_CHILD_UNKILLABLE',
        message: expect.stringMatching(new RegExp(`^SIGKILL had no effect on .*\\b${child.pid}\\b.* for 50 ms$`)),
      })
    } finally {
      kill.mockRestore()
    }
    process.kill(-(child.pid ?? 0), 'SIGKILL')
    await until(() => processesWith(mark).length === 0)
  })

  test('is killed at once when our own process exits', async () => {
    const before = new Set(process.listeners('exit'))
    const child = shell("trap '' TERM; echo $$ > up; setsid sleep 1000 & wait")
    await written('up')
    const added = process.listeners('exit').filter((listener) => !before.has(listener))
    expect(added).toHaveLength(1)
    for (const listener of added) listener(0)
    expect(await child.done).toMatchObject({ kind: 'signalled', signal: 'SIGKILL' })
    expect(process.listeners('exit').filter((listener) => !before.has(listener))).toEqual([])
  })
})

test('many children at once end without leaving anything', async () => {
  const outcomes = await Promise.all(Array.from({ length: 40 }, (_, at) => shell(`sleep 1000 & exit ${at}`).done))
  expect(outcomes.map((outcome) => outcome.kind === 'exited' && outcome.code)).toEqual(outcomes.map((_, at) => at))
  expect(processesWith(mark)).toEqual([])
})
