// The peer in room `storage`: lmdb-js as its manual has it, `put` and then `flushed`, with neither logs nor checksums.

import { join } from 'node:path'
import { open, type RootDatabase } from 'lmdb'
import type { Task } from '../harness/contender.ts'
import { dataFolder } from '../harness/folder.ts'
import { entries, latencies, windows } from './workload.ts'

type Database = RootDatabase<Uint8Array, Uint8Array>

function openBare(): Database {
  return open<Uint8Array, Uint8Array>({
    path: join(dataFolder('lmdb'), 'data.mdb'),
    keyEncoding: 'binary',
    encoding: 'binary',
  })
}

function keyOf(index: number): Uint8Array {
  const key = new Uint8Array(8)
  new DataView(key.buffer).setFloat64(0, index)
  return key
}

async function close(database: Database): Promise<number> {
  const { entryCount } = database.getStats() as { readonly entryCount: number }
  await database.close()
  return entryCount
}

async function put(database: Database, index: number, entry: Uint8Array): Promise<void> {
  await database.put(keyOf(index), entry)
  await database.flushed
}

const append: Task = async (count) => {
  const database = openBare()
  const [entry = new Uint8Array()] = entries(1)
  const latenciesMs = await latencies(count, (i) => put(database, i, entry))
  return { completed: await close(database), latenciesMs }
}

const step: Task = async (count) => {
  const three = [openBare(), openBare(), openBare()]
  const [entry = new Uint8Array()] = entries(1)
  const latenciesMs = await latencies(count, (i) => Promise.all(three.map((database) => put(database, i, entry))))
  const all = await Promise.all(three.map(close))
  return { completed: all.every((each) => each === count) ? count : 0, latenciesMs }
}

const batched: Task = async (count) => {
  const database = openBare()
  let index = 0
  const elapsedMs = await windows(count, async (window) => {
    let last: Promise<boolean> | undefined
    for (const entry of window) last = database.put(keyOf(index++), entry)
    await last
    await database.flushed
  })
  return { completed: await close(database), elapsedMs }
}

export const tasks: Readonly<Record<string, Task>> = {
  append,
  'append-thread': append,
  step,
  'batched-1': batched,
  'batched-8': batched,
  'batched-64': batched,
}
