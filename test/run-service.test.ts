// The end of a service, seen from outside: each case is a process of its own.

import { type ChildProcessByStdio, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Readable, Writable } from 'node:stream'
import { pathToFileURL } from 'node:url'
import { OptionError, runService } from 'espalier'
import { expect, test } from 'vitest'
import { compiledFolder } from './storage/compiled.ts'

const library = pathToFileURL(join(compiledFolder('src'), 'index.js')).href

interface Program {
  readonly child: ChildProcessByStdio<Writable | null, Readable, Readable>
  /** Resolves once it has said that. */
  said(text: string): Promise<void>
  /** Its exit code, and all that it has said. */
  readonly ended: Promise<{ readonly code: number | null; readonly said: string }>
}

/** Runs a service with these steps, whose names say themselves; it says `up` once it runs. */
function start(source: string): Program {
  const program = `
    import { createNode, runService } from ${JSON.stringify(library)}
    const say = (text) => () => console.log(text)
    const never = () => new Promise(() => {})
    const later = (text) => () => new Promise((resolve) => setTimeout(resolve, 20)).then(say(text))
    const keepAlive = setInterval(() => {}, 1000)
    ${source}
    console.log('up')`
  return watched(spawn(process.execPath, ['--input-type=module', '-e', program]))
}

function watched(child: Program['child']): Program {
  let said = ''
  let heard = (): void => {}
  const hear = (text: Buffer) => {
    said += text
    heard()
  }
  child.stdout.on('data', hear)
  child.stderr.on('data', hear)
  return {
    child,
    said: async (text) => {
      while (!said.includes(text)) {
        await new Promise<void>((resolve) => {
          heard = resolve
        })
      }
    },
    ended: once(child, 'close').then(([code]) => ({ code, said })),
  }
}

test('a signal ends the steps in order, and the process with 0 once nothing keeps it alive', async () => {
  const { child, said, ended } = start(`
    const node = createNode()
    runService({ stop: [
      { name: 'web', stop: later('web') },
      { name: 'node', stop: () => node.stop() },
      { name: 'rest', stop: () => { clearInterval(keepAlive); console.log('rest') } },
    ] })`)
  await said('up')
  child.kill('SIGTERM')
  expect(await ended).toEqual({ code: 0, said: 'up\nweb\nrest\n' })
})

test('a second signal ends it at once', async () => {
  const { child, said, ended } = start(`
    runService({ stop: [{ name: 'slow', stop: () => { console.log('begun'); return never() } }] })`)
  await said('up')
  child.kill('SIGINT')
  await said('begun')
  child.kill('SIGINT')
  const end = await ended
  expect(end.code).toBe(130)
  expect(end.said).toContain('ended by force (a second signal): slow has not ended')
})

test('a step that hangs is cut off at the deadline', async () => {
  const { child, said, ended } = start(`
    clearInterval(keepAlive)
    const connection = setTimeout(() => {}, 60_000)
    runService({ deadlineMs: 100, stop: [{ name: 'hangs', stop: () => { clearTimeout(connection); return never() } }] })`)
  await said('up')
  child.kill('SIGTERM')
  const end = await ended
  expect(end.code).toBe(143)
  expect(end.said).toContain('ended by force (the deadline): hangs has not ended')
})

test('what keeps the process alive after all steps is named at the deadline', async () => {
  const { child, said, ended } = start(`runService({ deadlineMs: 100, stop: [{ name: 'a', stop: say('a') }] })`)
  await said('up')
  child.kill('SIGTERM')
  const end = await ended
  expect(end.code).toBe(143)
  expect(end.said).toMatch(/ended by force \(the deadline\): still open: .*Timeout/)
})

test('a step that fails is told, and the next ones go on', async () => {
  const { said, ended } = start(`
    const service = runService({ stop: [
      { name: 'bad', stop: () => { throw new Error('no') } },
      { name: 'good', stop: () => { clearInterval(keepAlive); console.log('good') } },
    ] })
    service.stop().then(say('stopped'))`)
  await said('up')
  const end = await ended
  expect(end.code).toBe(1)
  expect(end.said).toContain('bad failed: Error: no')
  expect(end.said).toMatch(/good\n(up\n)?stopped\n/)
})

test('the example, with worker threads, a storage thread and a web server, leaves nothing open', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'espalier-service-'))
  try {
    const child = spawn(process.execPath, ['examples/service/main.js', '--data', folder, '--port', '0'])
    const { said, ended } = watched(child)
    await said('listening')
    child.kill('SIGTERM')
    const { code, said: all } = await ended
    expect(all.split('\n')).toHaveLength(2)
    expect(code).toBe(0)
  } finally {
    await rm(folder, { recursive: true })
  }
}, 60_000)

test.each<[string, object]>([
  ['deadlineMs', { stop: [], deadlineMs: 0 }],
  ['stop[0].stop', { stop: [{ name: 'a' }] }],
  ['signals', { stop: [], signals: ['SIGNOT'] }],
])('refuses a wrong option: %s', (field, options) => {
  const run = () => runService(options as Parameters<typeof runService>[0])
  expect(run).toThrow(OptionError)
  expect(run).toThrow(field)
})
