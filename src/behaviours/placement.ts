// Where a supervisor starts a child: on its own node, on a named one, on one of a pool, on a thread of its own. The
// supervisor decides by its spec; what a pool is and how a thread comes to be is its host's, which lives elsewhere.

import { EspalierError, NotPortableError } from '../kernel/errors.ts'
import { type ExitReason, reasonOf } from '../kernel/exit-reason.ts'
import { isElsewhere } from '../kernel/location.ts'
import type { Node } from '../kernel/node.ts'
import type { Pid } from '../kernel/pid.ts'
import { toPortable } from '../kernel/portable.ts'
import type { Process } from '../kernel/process.ts'
import type { Definition } from '../kernel/ref.ts'
import type { StartResult } from '../kernel/self.ts'
import { loadOf } from './remote.ts'

/**
 * Where a child runs, in every incarnation.
 *
 * - `same`: the supervisor's node.
 * - A node by name. If it cannot be reached the start fails with `noconnection`; a restart is then tried again, and
 *   counted, as any that fails; with `whenDown: 'wait'` it is tried again every 250 ms and not counted.
 * - One of a pool: by name, as the host knows it, or the nodes themselves. `round_robin` (default) takes the next at
 *   each start by any supervisor of the node; `least_loaded` the one with the fewest processes, as they say when asked. A node that cannot be reached
 *   is passed over.
 * - `{ thread: 'own' }`: a thread for this child alone, which ends with it.
 */
export type Placement =
  | 'same'
  | (string & {})
  | { readonly node: string; readonly whenDown?: 'fail' | 'wait' }
  | { readonly pool: string | readonly string[]; readonly policy?: 'round_robin' | 'least_loaded' }
  | { readonly thread: 'own' }

/** What knows of pools and threads. */
export interface Host {
  /** The nodes of a pool that can take processes now, in a steady order. Undefined: there is no such pool. */
  pool(name: string): readonly string[] | undefined
  /** Starts a thread for one child alone. Resolves once its node can take processes. Rejects with an error with a code. */
  openOwn(child: { readonly id: string; readonly supervisor: Pid }): Promise<OwnPlace>
}

/** A thread of one child. */
export interface OwnPlace {
  readonly nodeName: string
  /** The child has started there: the thread ends once `pid` has. */
  started(pid: Pid): void
  /** It has not started: the thread ends now. */
  failed(): void
}

/** A child could not be placed. */
export class PlacementError extends EspalierError {
  constructor(code: 'ERR_NO_HOST' | 'ERR_NO_POOL', message: string) {
    super(code, message)
  }
}

const hosts = new WeakMap<Node, Host>()

/** Has the supervisors of `node` place their children by `host`: pools by name, and threads of their own. */
export function provideHost(node: Node, host: Host): void {
  hosts.set(node, host)
}

/** How long a node may take to say how loaded it is, in milliseconds. */
const LOAD_TIMEOUT_MS = 1000
/** Between two tries to start a child on a node for which it waits, in milliseconds. */
export const WAIT_FOR_NODE_MS = 250

/** Whether a restart that failed waits, uncounted, for the child's node. */
export function waitsForNode({ place }: { readonly place: Place | undefined }, reason: ExitReason): boolean {
  return place?.waits === true && reason === 'noconnection'
}

/** Who places a child. */
export interface Placing {
  readonly process: Process
  /** The child's id. */
  readonly id: string
  /** Starts it on a node. */
  readonly start: (on: string) => Promise<StartResult>
}

/** A checked placement. */
export interface Place {
  /** Whether a restart waits for a node that cannot be reached. */
  readonly waits: boolean
  start(placing: Placing): Promise<StartResult>
}

/**
 * The place that a child spec names; undefined for the supervisor's own node; or the error, with the field that is wrong.
 * What runs elsewhere must say where it is loaded from, and its argument must be able to cross.
 */
export function checkPlacement(
  on: unknown,
  definition: Definition,
  argument: unknown,
): { ok: Place | undefined } | { error: unknown } {
  if (on === undefined || on === 'same') {
    if (!isElsewhere(definition)) return { ok: undefined }
    return { error: { invalid_placement: { field: 'on', expected: 'another node', definition: definition.name } } }
  }
  const place = placeOf(on)
  if (place === undefined) return { error: { invalid_placement: { field: 'on', value: on } } }
  if (definition.location === undefined) {
    return { error: { invalid_placement: { field: 'start', expected: 'located', definition: definition.name } } }
  }
  try {
    toPortable(argument, 'start[1]')
    return { ok: place }
  } catch (error) {
    if (!(error instanceof NotPortableError)) throw error
    const { field, message } = error
    return { error: { invalid_placement: { field, expected: 'what can cross to another node', message } } }
  }
}

function placeOf(on: unknown): Place | undefined {
  if (isNodeName(on)) return new NodePlace(on, false)
  if (typeof on !== 'object' || on === null) return undefined
  const { node, whenDown = 'fail', pool, policy = 'round_robin', thread } = on as { readonly [field: string]: unknown }
  if (isNodeName(node)) {
    return whenDown === 'fail' || whenDown === 'wait' ? new NodePlace(node, whenDown === 'wait') : undefined
  }
  if (thread === 'own') return new OwnThread()
  if (policy !== 'round_robin' && policy !== 'least_loaded') return undefined
  if (typeof pool === 'string' && pool !== '') return new Pool(pool, policy)
  return Array.isArray(pool) && pool.length > 0 && pool.every(isNodeName) ? new Pool(pool, policy) : undefined
}

function isNodeName(value: unknown): value is string {
  return typeof value === 'string' && /^[\w@.-]{1,255}$/.test(value)
}

class NodePlace implements Place {
  readonly waits: boolean
  readonly #node: string

  constructor(node: string, waits: boolean) {
    this.#node = node
    this.waits = waits
  }

  start({ start }: Placing): Promise<StartResult> {
    return start(this.#node)
  }
}

class OwnThread implements Place {
  readonly waits = false

  async start({ process, id, start }: Placing): Promise<StartResult> {
    const own = await hostOf(process, 'a thread of its own').openOwn({ id, supervisor: process.pid })
    const result = await start(own.nodeName).catch((error: unknown) => ({ error: reasonOf(error) }))
    if (typeof result === 'object' && 'ok' in result) own.started(result.ok)
    else own.failed()
    return result
  }
}

class Pool implements Place {
  readonly waits = false
  readonly #pool: string | readonly string[]
  readonly #policy: 'round_robin' | 'least_loaded'

  constructor(pool: string | readonly string[], policy: 'round_robin' | 'least_loaded') {
    this.#pool = pool
    this.#policy = policy
  }

  async start({ process, start }: Placing): Promise<StartResult> {
    const nodes = this.#nodes(process)
    const first = nodes.length === 0 ? 0 : nextTurn(process.node, String(this.#pool)) % nodes.length
    // Among equals, the least loaded is the next in turn.
    const inTurn = [...nodes.slice(first), ...nodes.slice(0, first)]
    const ordered = this.#policy === 'round_robin' ? inTurn : await byLoad(process, inTurn)
    for (const node of ordered) {
      const result = await start(node)
      if (typeof result === 'string' || 'ok' in result || result.error !== 'noconnection') return result
    }
    return { error: 'noconnection' }
  }

  #nodes(process: Process): readonly string[] {
    if (typeof this.#pool !== 'string') return this.#pool
    const nodes = hostOf(process, `the pool ${JSON.stringify(this.#pool)}`).pool(this.#pool)
    if (nodes !== undefined) return nodes
    throw new PlacementError('ERR_NO_POOL', `there is no pool ${JSON.stringify(this.#pool)}`)
  }
}

/** Whose turn it is in each pool: the supervisors of a node share it. */
const turns = new WeakMap<Node, Map<string, number>>()

function nextTurn(node: Node, pool: string): number {
  const known = turns.get(node) ?? new Map<string, number>()
  turns.set(node, known)
  const turn = known.get(pool) ?? 0
  known.set(pool, turn + 1)
  return turn
}

/** Those that answer, the least loaded first. */
async function byLoad(process: Process, nodes: readonly string[]): Promise<string[]> {
  const { node: own } = process
  const asked = await Promise.all(
    nodes.map(async (name) => {
      if (name === own.name) return [{ name, processes: own.processes().length }]
      const load = await loadOf(own, name, { timeoutMs: LOAD_TIMEOUT_MS }).catch(() => undefined)
      return load === undefined ? [] : [{ name, processes: load.processes }]
    }),
  )
  return asked
    .flat()
    .sort((a, b) => a.processes - b.processes)
    .map(({ name }) => name)
}

function hostOf({ node }: Process, what: string): Host {
  const host = hosts.get(node)
  if (host !== undefined) return host
  throw new PlacementError('ERR_NO_HOST', `${what}: node ${node.name} has no host that places processes`)
}
