// What a thread of the offload pool runs: loads a function once, then calls it.

import { systemModules } from '../system/index.ts'

interface Work {
  readonly url: string
  readonly name: string
  readonly args: readonly unknown[]
}

const loaded = new Map<string, Promise<unknown>>()

export async function offloadThread({ url, name, args }: Work): Promise<unknown> {
  const key = `${url} ${name}`
  const loading = loaded.get(key) ?? systemModules.load(url, name)
  loaded.set(key, loading)
  const run = await loading
  if (typeof run !== 'function') throw new TypeError(`${url}: ${name} is no function`)
  return run(...args)
}
