// What limits an unmet row: our contender runs the row's workload once more under V8's sampling profiler (CPU time for
// rates and latencies, live heap for memory), and the heaviest functions are named beside the row.

import { mkdirSync, readFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import { root } from './peers.ts'
import type { Contender, Workload } from './room.ts'
import { runWorkload } from './rounds.ts'
import type { Profile } from './rows.ts'

const TOP = 6

interface Frame {
  readonly functionName: string
  readonly url: string
  readonly lineNumber: number
}

interface CpuProfile {
  readonly nodes: readonly { readonly id: number; readonly callFrame: Frame }[]
  readonly samples: readonly number[]
  readonly timeDeltas: readonly number[]
}

interface HeapNode {
  readonly callFrame: Frame
  readonly selfSize: number
  readonly children: readonly HeapNode[]
}

/** Profiles `workload` into build/bench/profiles and names the heaviest functions by their own share. */
export async function profile(contender: Contender, workload: Workload, kind: 'cpu' | 'heap'): Promise<Profile> {
  const folder = join(root, 'build/bench/profiles')
  mkdirSync(folder, { recursive: true })
  const name = `${workload.name}.${kind}profile`
  await runWorkload(contender, workload, [
    `--${kind}-prof`,
    `--${kind}-prof-dir=${folder}`,
    `--${kind}-prof-name=${name}`,
    `--${kind}-prof-interval=${kind === 'cpu' ? 200 : 16_384}`,
  ])
  const file = join(folder, name)
  const text = readFileSync(file, 'utf8')
  const shares = kind === 'cpu' ? cpuShares(JSON.parse(text)) : heapShares(JSON.parse(text))
  const total = [...shares.values()].reduce((sum, own) => sum + own, 0)
  const top = [...shares].sort(([, a], [, b]) => b - a).slice(0, TOP)
  return { file: relative(root, file), top: top.map(([where, own]) => ({ where, share: own / total })) }
}

function place({ functionName, url, lineNumber }: Frame): string {
  const file = url.replace(/^file:\/\//, '')
  const name = functionName || '(anonymous)'
  return file ? `${name} ${file.startsWith(root) ? relative(root, file) : file}:${lineNumber + 1}` : name
}

function cpuShares({ nodes, samples, timeDeltas }: CpuProfile): Map<string, number> {
  const places = new Map(nodes.map(({ id, callFrame }) => [id, place(callFrame)]))
  const shares = new Map<string, number>()
  for (const [i, id] of samples.entries()) {
    const where = places.get(id) ?? '(unknown)'
    shares.set(where, (shares.get(where) ?? 0) + (timeDeltas[i] ?? 0))
  }
  shares.delete('(idle)')
  return shares
}

function heapShares({ head }: { readonly head: HeapNode }): Map<string, number> {
  const shares = new Map<string, number>()
  const open = [head]
  for (let node = open.pop(); node; node = open.pop()) {
    if (node.selfSize > 0) shares.set(place(node.callFrame), (shares.get(place(node.callFrame)) ?? 0) + node.selfSize)
    open.push(...node.children)
  }
  return shares
}
