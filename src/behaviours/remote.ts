// What one node asks of another besides starting definitions there (see `on` in StartOptions): to run an exported
// function as a process, who has a name, how busy it is. Requests to that node's own service.

import { ExitError } from '../kernel/exit-reason.ts'
import { NODE_SERVICE } from '../kernel/far-start.ts'
import type { Node } from '../kernel/node.ts'
import { actorOf } from '../kernel/own.ts'
import type { Pid } from '../kernel/pid.ts'
import type { CallOptions, Definition, Ref } from '../kernel/ref.ts'
import type { Self, SpawnOptions } from '../kernel/self.ts'
import type { NodeLoad, SpawnRequest } from './node-service.ts'

/** A process to be: an exported function, and what it is given behind the process's `self`. */
export interface SpawnCommand {
  /** URL of the module. */
  readonly module: string
  readonly export: string
  readonly args?: readonly unknown[]
}

/**
 * Starts a process on a node that runs an exported function, `(self, ...args) => …`: Erlang's `spawn/4`, and with
 * `link`, for a process, `spawn_link/4`. On the own node too, if it loads modules.
 *
 * Rejects with ExitError: `noconnection`, or why the function could not be loaded; what the function does is not waited
 * for.
 */
export async function spawnOn(
  by: Node | Self,
  nodeName: string,
  command: SpawnCommand,
  options: SpawnOptions & CallOptions = {},
): Promise<Pid> {
  const { module, export: name, args = [] } = command
  const { link = false, timeoutMs, ...rest } = options
  const { process } = actorOf(by)
  const parent = link && process !== null ? process.pid : null
  const request: SpawnRequest = { location: { module, export: name }, args, options: rest, parent }
  try {
    const result = (await ask(by, nodeName, 'spawn', request, { timeoutMs })) as { readonly ok: Pid }
    return result.ok
  } catch (error) {
    if (!(error instanceof ExitError)) throw error
    throw new ExitError(error.reason, undefined, `spawn of ${name} on ${nodeName}`)
  }
}

/** The process that is registered as `name` on a node. Rejects with ExitError if the node cannot be reached. */
export function whereisOn(by: Node | Self, nodeName: string, name: string): Promise<Pid | undefined>
/** The same, typed by a definition: the caller's word, not checked. */
export function whereisOn<T extends Definition>(
  by: Node | Self,
  nodeName: string,
  definition: T,
  name: string,
): Promise<Ref<T> | undefined>
export async function whereisOn(
  by: Node | Self,
  nodeName: string,
  first: string | Definition,
  second?: string,
): Promise<unknown> {
  return await ask(by, nodeName, 'whereis', typeof first === 'string' ? first : (second ?? ''))
}

/** How busy a node is. Rejects with ExitError if it cannot be reached, or does not answer within `timeoutMs`. */
export async function loadOf(by: Node | Self, nodeName: string, options?: CallOptions): Promise<NodeLoad> {
  return (await ask(by, nodeName, 'load', undefined, options)) as NodeLoad
}

/** Whether a process lives, on whatever node. One that cannot be reached within `timeoutMs` does not. */
export async function isAliveOn(by: Node | Self, pid: Pid, options?: CallOptions): Promise<boolean> {
  if (pid.nodeName === actorOf(by).node.name) return by.isAlive(pid)
  try {
    return (await ask(by, pid.nodeName, 'isAlive', pid, options)) as boolean
  } catch (error) {
    if (error instanceof ExitError) return false
    throw error
  }
}

function ask(
  by: Node | Self,
  nodeName: string,
  tag: string,
  argument: unknown,
  options?: { readonly timeoutMs?: number | undefined },
): Promise<unknown> {
  const { node, process } = actorOf(by)
  const timeoutMs = options?.timeoutMs
  return node.call(
    process,
    node.at(nodeName, NODE_SERVICE),
    tag,
    argument,
    timeoutMs === undefined ? {} : { timeoutMs },
  )
}
