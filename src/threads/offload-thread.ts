// What a thread of the offload pool runs: loads a function once, then calls it.

import { encodeThrown } from '../distribution/codec.ts'
import { systemModules } from '../system/index.ts'

interface Work {
  readonly url: string
  readonly name: string
  readonly args: readonly unknown[]
}

/** In place of a result: what was thrown, in a form that keeps codes and causes, which the pool's own would lose. */
export interface Thrown {
  readonly thrown: Uint8Array
}

const loaded = new Map<string, Promise<unknown>>()

export async function offloadThread(work: Work): Promise<readonly [result: unknown] | Thrown> {
  try {
    return [await run(work)]
  } catch (error) {
    return { thrown: encodeThrown(error) }
  }
}

async function run({ url, name, args }: Work): Promise<unknown> {
  const key = `${url} ${name}`
  const loading = loaded.get(key) ?? systemModules.load(url, name)
  loaded.set(key, loading)
  const work = await loading
  if (typeof work !== 'function') throw new TypeError(`${url}: ${name} is no function`)
  return work(...args)
}
