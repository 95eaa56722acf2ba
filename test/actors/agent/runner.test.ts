import { createHash } from 'node:crypto'
import { beforeEach, describe, expect, test } from 'vitest'
import { runTask } from '../../../actors/agent/runner.ts'
import type { CommandRunner, ModuleRunner } from '../../../actors/flow/agents-file.ts'
import { lineOf } from '../../../actors/receipt/receipt.ts'
import { Stage } from '../stage.ts'

const order = { flowId: 'flow-1', taskId: 't', role: 'r' }
const command: CommandRunner = {
  kind: 'command',
  argv: ['make', 'all'],
  cwd: '/work',
  env: { GREETING: 'hi', MODE: 'ci' },
  exitCode: 0,
  maxOutputBytes: 1024,
}
const module: ModuleRunner = { kind: 'module', url: 'file:///x.js', export: 'work' }
const sha256 = (text: string) => createHash('sha256').update(text).digest('hex')

let stage: Stage
let abort: AbortController
beforeEach(() => {
  stage = new Stage()
  abort = new AbortController()
})

describe('a command', () => {
  const start = (more: Partial<CommandRunner> = {}) => {
    const result = runTask({ ...command, ...more }, order, abort.signal, stage.ports)
    return { result, child: stage.children.of('t') }
  }

  test('gets its folder, its bound, and an environment made of ours, its own, and the names of flow and task', async () => {
    const { result, child } = start()
    child.exit(0)
    await result
    expect(child.command).toEqual({
      argv: ['make', 'all'],
      cwd: '/work',
      maxOutputBytes: 1024,
      env: { PATH: '/bin', GREETING: 'hi', MODE: 'ci', ESPALIER_FLOW: 'flow-1', ESPALIER_TASK: 't' },
    })
  })

  test('succeeds with the exit code that its agent declares, and with no other', async () => {
    for (const [declared, code, reason] of [
      [0, 0, ''],
      [3, 3, ''],
      [0, 3, 'make ended with exit code 3, not 0'],
      [3, 0, 'make ended with exit code 0, not 3'],
    ] as const) {
      const { result, child } = start({ exitCode: declared })
      child.exit(code)
      expect(await result).toMatchObject({ succeeded: reason === '', reason })
    }
  })

  test('its output is digested, both streams in turn; what was dropped is counted; the end is kept for people', async () => {
    const { result, child } = start()
    child.exit(0, `${'x'.repeat(3000)}out`, 'err', 77)
    const { output } = await result
    expect(output).toMatchObject({ digest: sha256(`${'x'.repeat(3000)}outerr`), bytes: 3006, dropped: 77 })
    expect(output.tail).toHaveLength(2000)
    expect(output.tail.endsWith('xouterr')).toBe(true)
  })

  test('one that does not start, and one that a signal ends, fail and say so', async () => {
    const missing = start()
    missing.child.fail('no such program: make')
    expect(await missing.result).toMatchObject({
      succeeded: false,
      reason: 'make did not start: no such program: make',
    })
    const killed = start()
    killed.child.die('SIGKILL')
    expect(await killed.result).toMatchObject({ succeeded: false, reason: 'make was ended by SIGKILL' })
  })

  test('is stopped when the signal is aborted, also if it was before; and answers only once nothing of it is left', async () => {
    const { result, child } = start()
    child.heedsStop = false
    let answered = false
    void result.then(() => {
      answered = true
    })
    abort.abort()
    await stage.world.settle()
    expect([child.stops, answered]).toEqual([1, false])
    child.die('SIGKILL')
    expect(await result).toMatchObject({ succeeded: false })
    const late = start()
    expect(late.child.stops).toBe(1)
    await late.result
  })
})

describe('a module', () => {
  const run = (work: unknown) => {
    stage.modules.set(module.url, { work })
    return runTask(module, order, abort.signal, stage.ports)
  }

  test('is given the task and a signal; what it returns is its output', async () => {
    const heard: unknown[] = []
    const result = await run((task: unknown) => {
      heard.push(task)
      return { files: 3 }
    })
    expect(heard).toEqual([{ ...order, signal: abort.signal }])
    expect(result).toMatchObject({ succeeded: true, reason: '', output: { tail: '{\n  "files": 3\n}' } })
    expect(await run(async () => 'text as it is')).toMatchObject({ output: { tail: 'text as it is' } })
    expect(await run(() => undefined)).toMatchObject({ succeeded: true, output: { bytes: 0, digest: sha256('') } })
  })

  test.each([
    ['rejects', async () => Promise.reject(new RangeError('too far')), 'RangeError: too far'],
    ['rejects with no error', async () => Promise.reject('just text'), '"just text"'],
    [
      'throws',
      () => {
        throw new Error('a bug')
      },
      'Error: a bug',
    ],
    ['is no function', 42, 'TypeError: file:///x.js exports no function "work"'],
    ['returns what JSON cannot tell', () => 1n, /^TypeError: .*BigInt/],
  ])('fails, and says why, if it %s', async (_how, work, reason) => {
    const result = await run(work)
    expect(result.succeeded).toBe(false)
    expect(result.reason).toMatch(reason)
  })

  test('fails if it, or its export, is missing', async () => {
    expect(await runTask(module, order, abort.signal, stage.ports)).toMatchObject({
      reason: 'Error: no module file:///x.js',
    })
    stage.modules.set(module.url, { other: () => 1 })
    expect(await runTask(module, order, abort.signal, stage.ports)).toMatchObject({
      reason: 'Error: file:///x.js has no export "work"',
    })
  })

  test('keeps 64 KiB of what it returns', async () => {
    const { output } = await run(() => 'x'.repeat(70_000))
    expect(output).toMatchObject({ bytes: 65_536, dropped: 70_000 - 65_536, digest: sha256('x'.repeat(65_536)) })
  })

  test('is not waited for when the signal is aborted, whether it heeds it or not', async () => {
    const result = run(() => new Promise(() => {}))
    abort.abort()
    expect(await result).toMatchObject({ succeeded: false, reason: expect.stringContaining('aborted') })
    let ran = false
    const late = await run(() => {
      ran = true
    })
    expect([late.succeeded, ran]).toEqual([false, false])
  })
})

describe('a reason', () => {
  test('is one line that a receipt can hold', () => {
    expect(lineOf('  two\n\tlines\u0007 and a bell ')).toBe('two lines and a bell')
    expect(lineOf('x'.repeat(1000))).toHaveLength(200)
    // Cut through a surrogate pair.
    expect(lineOf(`${'x'.repeat(199)}😀`).at(-1)).toBe('\ufffd')
  })

  test('of a module is never empty', async () => {
    stage.modules.set(module.url, {
      work: () => {
        throw ''
      },
    })
    expect((await runTask(module, order, abort.signal, stage.ports)).reason).not.toBe('')
  })
})
