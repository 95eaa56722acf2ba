// LMDB and the storage thread in real processes: who may open, who may die, and what a sick disk reports.

import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { copyFile, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { Worker } from 'node:worker_threads'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { bytes, text } from './bytes.ts'
import { compiledFolder, compiledStorage } from './compiled.ts'

const storage = await compiledStorage()
const entry = JSON.stringify(pathToFileURL(join(compiledFolder('src/storage'), 'index.js')).href)
const prelude = `
  import { writeSync } from 'node:fs'
  const { openLmdb, WriteBatch } = await import(${entry})
  const put = (key, value) => new WriteBatch().put(Buffer.from(key), Buffer.from(value))
  const path = process.argv[1]
  const say = (line) => writeSync(1, line + '\\n')
`

let path: string
const children: ChildProcess[] = []

beforeEach(async () => {
  path = join(await mkdtemp(join(tmpdir(), 'espalier-lmdb-')), 'node')
})
afterEach(async () => {
  for (const child of children.splice(0)) child.kill('SIGKILL')
  await rm(join(path, '..'), { recursive: true, force: true })
})

function start(program: string, wrapper: readonly string[] = []): ChildProcess {
  const argv = [...wrapper, process.execPath, '--input-type=module', '-e', prelude + program, path]
  const child = spawn(argv[0] ?? '', argv.slice(1), { stdio: ['ignore', 'pipe', 'pipe'] })
  children.push(child)
  return child
}

/** Runs a program to its end: what it said, and how it ended. */
async function run(program: string, wrapper: readonly string[] = []): Promise<{ said: string; end: unknown }> {
  const child = start(program, wrapper)
  let said = ''
  child.stdout?.on('data', (chunk) => {
    said += String(chunk)
  })
  child.stderr?.on('data', (chunk) => {
    said += String(chunk)
  })
  const [code, signal] = await once(child, 'close')
  return { said: said.trim(), end: signal ?? code }
}

async function firstLine(child: ChildProcess): Promise<string> {
  if (child.stdout === null) throw new Error('no stdout')
  const [chunk] = await once(child.stdout, 'data')
  return String(chunk).trim()
}

test('closing the last environment lets the process exit by itself; an open one keeps it', async () => {
  const closed = await run(`
    const store = await openLmdb({ path })
    await store.write(put('a', '1'))
    await store.close()
    say('closed')`)
  expect(closed).toEqual({ said: 'closed', end: 0 })
  const open = start(`
    const store = await openLmdb({ path })
    process.on('SIGTERM', async () => { await store.close(); say('closed in order') })
    say('open')`)
  expect(await firstLine(open)).toBe('open')
  open.kill('SIGTERM')
  expect(await firstLine(open)).toBe('closed in order')
  expect(await once(open, 'close')).toEqual([0, null])
})

test.each([1, 8, 15, 22, 29, 36, 43, 50, 57, 64])(
  'process.exit amid writes, once %i are acknowledged, ends the process by no signal, and those are there',
  async (exitsAt) => {
    const { said, end } = await run(`
      const store = await openLmdb({ path })
      for (let i = 0; i < 1000; i += 1) store.write(put('k' + String(i).padStart(4, '0'), 'x'.repeat(1000))).then(() => {
        if (i + 1 === ${exitsAt}) { say('exits'); process.exit(0) }
      })`)
    expect({ said, end }).toEqual({ said: 'exits', end: 0 })
    const store = await storage.openLmdb({ path })
    const { entries } = await store.scan({ from: bytes('k'), to: bytes('l') })
    await store.close()
    expect(entries.length).toBeGreaterThanOrEqual(exitsAt)
  },
)

test('an environment held by a live process is refused with its number, and free again after kill -9', async () => {
  const holder = start(`
    const store = await openLmdb({ path })
    await store.write(put('a', 'mine'))
    say('holding')
    for (let i = 0; ; i += 1) await store.write(put('b', String(i)))`)
  expect(await firstLine(holder)).toBe('holding')
  await expect(storage.openLmdb({ path })).rejects.toMatchObject({
    code: 'ERR_STORAGE_LOCKED',
    message: `${path} is held by process ${holder.pid}`,
  })
  const reader = await storage.openLmdb({ path, readOnly: true })
  expect(text(await reader.get(bytes('a')))).toBe('mine')
  await expect(reader.write(new storage.WriteBatch().delete(bytes('a')))).rejects.toMatchObject({
    code: 'ERR_STORAGE_READ_ONLY',
  })
  await reader.close()
  holder.kill('SIGKILL')
  await once(holder, 'close')
  const store = await storage.openLmdb({ path })
  expect(text(await store.get(bytes('a')))).toBe('mine')
  await store.close()
})

test('an open waits for a held environment as long as lockTimeoutMs says, and has it once it is free', async () => {
  const holder = await storage.openLmdb({ path })
  await expect(storage.openLmdb({ path, lockTimeoutMs: 20 })).rejects.toMatchObject({ code: 'ERR_STORAGE_LOCKED' })
  const waiting = storage.openLmdb({ path, lockTimeoutMs: 10_000 })
  await holder.write(new storage.WriteBatch().put(bytes('a'), bytes('mine')))
  await holder.close()
  const next = await waiting
  expect(text(await next.get(bytes('a')))).toBe('mine')
  await next.close()
  await expect(storage.openLmdb({ path, lockTimeoutMs: -1 })).rejects.toThrow(/lockTimeoutMs/)
})

test('of several processes that find a dead owner, one gets the environment', async () => {
  await run(`await openLmdb({ path }); process.kill(process.pid, 'SIGKILL')`)
  const contenders = [1, 2, 3].map(() =>
    start(`
      await openLmdb({ path }).then(() => say('got it'), (error) => { say(error.code); process.exit() })
      setTimeout(() => process.exit(), 3000)`),
  )
  const outcomes = await Promise.all(contenders.map(firstLine))
  expect(outcomes.sort()).toEqual(['ERR_STORAGE_LOCKED', 'ERR_STORAGE_LOCKED', 'got it'])
})

test('a copied folder is not held by whoever holds the original', async () => {
  const store = await storage.openLmdb({ path })
  await store.write(new storage.WriteBatch().put(bytes('a'), bytes('1')))
  const copy = await mkdtemp(join(path, '..', 'copy-'))
  for (const file of ['data.mdb', 'owner.mdb']) await copyFile(join(path, file), join(copy, file))
  const copied = await storage.openLmdb({ path: copy })
  expect(text(await copied.get(bytes('a')))).toBe('1')
  await copied.close()
  await store.close()
})

test('a worker thread stores through a connection; its death frees what it held, and nothing acknowledged is lost', async () => {
  const program = `
    import { workerData, parentPort } from 'node:worker_threads'
    const { openLmdb, WriteBatch } = await import(${entry})
    const { path, connection } = workerData
    await openLmdb({ path: path + '-own' }).catch((error) => parentPort.postMessage(error.code))
    const store = await openLmdb({ path, connection })
    for (let i = 1; ; i += 1) {
      await store.write(new WriteBatch().put(Buffer.from('n'), Buffer.from(String(i))))
      parentPort.postMessage(i)
    }`
  const connection = storage.connectStorage()
  const url = new URL(`data:text/javascript,${encodeURIComponent(program)}`)
  const worker = new Worker(url, { workerData: { path, connection }, transferList: [connection] })
  const [refused] = await once(worker, 'message')
  expect(refused).toBe('ERR_STORAGE_THREAD')
  let last = 0
  worker.on('message', (count: number) => {
    last = count
  })
  while (last < 20) await once(worker, 'message')
  await worker.terminate()
  const store = await openSoon(path)
  expect(Number(text(await store.get(bytes('n'))))).toBeGreaterThanOrEqual(last)
  await store.close()
})

/** The storage thread learns of a worker's end by its port, shortly after. */
async function openSoon(folder: string): ReturnType<typeof storage.openLmdb> {
  for (;;) {
    try {
      return await storage.openLmdb({ path: folder })
    } catch (error) {
      if (!(error instanceof storage.StorageError) || error.code !== 'ERR_STORAGE_LOCKED') throw error
    }
  }
}

test('a folder that holds no LMDB environment is reported as corrupted, a missing one as missing', async () => {
  await expect(storage.openLmdb({ path, readOnly: true })).rejects.toMatchObject({ code: 'ERR_STORAGE_MISSING' })
  await (await storage.openLmdb({ path })).close()
  await writeFile(join(path, 'data.mdb'), Buffer.alloc(32_768, 'not a database '))
  await expect(storage.openLmdb({ path })).rejects.toMatchObject({ code: 'ERR_STORAGE_CORRUPTED' })
})

test('a disk without room refuses with ERR_STORAGE_FULL, keeps what was written, and goes on when there is room', async () => {
  const { said, end } = await run(
    `
    const store = await openLmdb({ path })
    await store.write(put('small', '1'))
    await store.write(put('large', 'x'.repeat(3_000_000))).catch((error) => say(error.code + ' ' + error.outcome))
    await store.write(put('next', '2'))
    say([await store.get(Buffer.from('small')), await store.get(Buffer.from('large')), await store.get(Buffer.from('next'))].join())
    await store.close()`,
    ['bash', '-c', 'ulimit -f 1000; exec "$@"', '--'],
  )
  expect({ said, end }).toEqual({ said: 'ERR_STORAGE_FULL none\n49,,50', end: 0 })
})

// A file system of the test's own. Without user namespaces this is skipped, and said to be.
const hasOwnMounts = spawnSync('unshare', ['-rm', 'mount', '-t', 'tmpfs', 'none', '/mnt']).status === 0
function smallDisk(size = '2m'): readonly string[] {
  const mount = `mount -t tmpfs -o size=${size} none "${join(path, '..')}"`
  return ['unshare', '-rm', 'bash', '-c', `${mount} && exec "$@"`, '--']
}

test.skipIf(!hasOwnMounts)('a file system that is mounted for reading only is named so, and can be read', async () => {
  const { said, end } = await run(
    `
    const { execFileSync } = await import('node:child_process')
    let store = await openLmdb({ path })
    await store.write(put('a', '1'))
    await store.close()
    execFileSync('mount', ['-o', 'remount,ro', path + '/..'])
    await openLmdb({ path }).catch((error) => say(error.code))
    store = await openLmdb({ path, readOnly: true })
    say(await store.get(Buffer.from('a')))
    await store.write(put('b', '2')).catch((error) => say(error.code + ' ' + error.outcome))
    await store.close()`,
    smallDisk(),
  )
  expect({ said: said.split('\n'), end }).toEqual({
    said: ['ERR_STORAGE_READ_ONLY', '49', 'ERR_STORAGE_READ_ONLY none'],
    end: 0,
  })
})

test.skipIf(!hasOwnMounts)(
  'a disk that others have filled refuses, keeps all, and can be left and taken again; with room it goes on',
  async () => {
    const { said, end } = await run(
      `
      const { rmSync, writeFileSync } = await import('node:fs')
      const large = 'x'.repeat(20_000)
      writeFileSync(path + '.ballast', new Uint8Array(300_000))
      let store = await openLmdb({ path })
      let written = 0
      for (let isFull = false; !isFull; ) {
        await store.write(put('k' + written, large)).then(() => { written += 1 }, () => { isFull = true })
      }
      // To the last byte.
      for (const size of [100_000, 10_000, 4096]) {
        try { for (let i = 0; ; i += 1) writeFileSync(path + '.rest' + size + i, new Uint8Array(size)) } catch {}
      }
      await store.write(put('tiny', '1')).catch((error) => say(error.code + ' ' + error.outcome))
      await store.close()
      store = await openLmdb({ path })
      const found = await Promise.all(Array.from({ length: written }, (_, i) => store.get(Buffer.from('k' + i))))
      say(written > 50 && found.every((value) => value.length === 20_000))
      rmSync(path + '.ballast')
      await store.write(put('more', large)).then(() => say('goes on'))
      await store.close()`,
      smallDisk(),
    )
    expect({ said: said.split('\n'), end }).toEqual({ said: ['ERR_STORAGE_FULL none', 'true', 'goes on'], end: 0 })
  },
)

test.skipIf(!hasOwnMounts)(
  'room that was ample, and that others take within a moment, is looked for again',
  async () => {
    const { said, end } = await run(
      `
      const { closeSync, openSync, rmSync } = await import('node:fs')
      const store = await openLmdb({ path })
      await store.write(put('before', '1'))
      const ballast = openSync(path + '.ballast', 'w')
      try { for (;;) writeSync(ballast, new Uint8Array(16384)) } catch (error) { say(error.code) }
      closeSync(ballast)
      const outcomes = { full: 0, other: 0 }
      // More than the pages that the file may have to spare.
      for (let i = 0; i < 100; i += 1) {
        await store.write(put('k' + i, 'x'.repeat(50_000))).catch((error) => {
          outcomes[error.code + error.outcome === 'ERR_STORAGE_FULLnone' ? 'full' : 'other'] += 1
        })
      }
      say(outcomes.full > 90 && outcomes.other === 0)
      say(await store.get(Buffer.from('before')))
      rmSync(path + '.ballast')
      await store.write(put('more', 'x'.repeat(50_000))).then(() => say('goes on'))
      await store.close()`,
      smallDisk('300m'),
    )
    expect({ said: said.split('\n'), end }).toEqual({ said: ['ENOSPC', 'true', '49', 'goes on'], end: 0 })
  },
)

// strace makes system calls fail. Without it these two are skipped, and said to be.
const hasStrace = spawnSync('strace', ['--version']).status === 0
const writeFive = `
  const store = await openLmdb({ path }).catch((error) => { say('open ' + error.code); process.exit() })
  for (const key of ['a', 'b', 'c', 'd', 'e']) {
    await store.write(put(key, key)).then(() => say(key), (error) => say(key + ' ' + error.code + ' ' + error.outcome))
  }
  await store.close()`

test.skipIf(!hasStrace)(
  'after a failed flush nothing more is acknowledged until the store is opened anew',
  async () => {
    // Five flushes take the folder: then those of a, b and c, and the one that fails.
    const trace = ['-e', 'trace=fdatasync', '-e', 'inject=fdatasync:error=EIO:when=9', '-o', '/dev/null']
    const { said, end } = await run(writeFive, ['strace', '-f', ...trace])
    const failed = 'ERR_STORAGE_IO unknown'
    expect({ said: said.split('\n'), end }).toEqual({ said: ['a', 'b', 'c', `d ${failed}`, `e ${failed}`], end: 0 })
    const store = await storage.openLmdb({ path })
    const { entries } = await store.scan({ from: bytes('a'), to: bytes('z') })
    expect(entries.map((entry) => text(entry.key))).toEqual(['a', 'b', 'c'])
    await store.close()
  },
)

test.skipIf(!hasStrace)('a disk that allows no writing is named so', async () => {
  await (await storage.openLmdb({ path })).close()
  const files = ['data.mdb', 'owner.mdb'].flatMap((file) => ['-P', join(path, file)])
  const trace = ['-e', 'trace=openat', '-e', 'inject=openat:error=EROFS', '-o', '/dev/null']
  const { said, end } = await run(writeFive, ['strace', '-f', ...files, ...trace])
  expect({ said, end }).toEqual({ said: 'open ERR_STORAGE_READ_ONLY', end: 0 })
})

test.skipIf(!hasStrace)('what one turn writes is one commit, whatever the number of its batches and logs', async () => {
  const flushes = async (turns: number): Promise<number> => {
    const trace = join(path, '..', 'trace')
    const program = `
      const { openLog } = await import(${entry})
      const store = await openLmdb({ path: path + '-${turns}' })
      const logs = await Promise.all(Array.from({ length: 8 }, (_, i) => openLog(store, { name: 'log-' + i })))
      for (let turn = 0; turn < ${turns}; turn += 1) await Promise.all(logs.map((log) => log.append([Buffer.from('x')])))
      await store.close()`
    expect(await run(program, ['strace', '-f', '-e', 'trace=fdatasync', '-o', trace])).toEqual({ said: '', end: 0 })
    return (await readFile(trace, 'utf8')).split('\n').filter((line) => line.includes('fdatasync(')).length
  }
  expect((await flushes(6)) - (await flushes(1))).toBe(5)
})
