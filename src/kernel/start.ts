// The start of a process. A raw process runs from its birth on; a behaviour's start is over when its init has told how
// it went, and whoever starts it waits for that.

import { newDeferred, rejecterOfNewest, resolverOfNewest } from './deferred.ts'
import { OptionError } from './errors.ts'
import { startFar } from './far-start.ts'
import { isElsewhere } from './location.ts'
import type { Node } from './node.ts'
import { selfOf } from './own.ts'
import type { Pid } from './pid.ts'
import type { Process } from './process.ts'
import type { ProcessRef } from './process-ref.ts'
import { RawBehaviour } from './raw.ts'
import type { Definition } from './ref.ts'
import type { Body, MailboxOptions, SpawnOptions, StartOptions, StartResult } from './self.ts'
import { StartOutcome } from './start-outcome.ts'
import { checkDelay } from './timers.ts'

/** Starts a raw process. */
export function spawnProcess(node: Node, parent: Process | null, body: Body, options: SpawnOptions): Process {
  const process = node.create(parent?.pid, options)
  process.raw = true
  process.behaviour = new RawBehaviour(process, selfOf(process), body)
  if (options.link && parent !== null) link(parent, process)
  node.scheduler.enqueue(process)
  return process
}

/** The same for a parent on another node, linked to it. */
export function spawnFor(node: Node, parent: Pid | null, body: Body, options: SpawnOptions): Process {
  const process = spawnProcess(node, null, body, options)
  if (parent !== null) linkFar(process, parent)
  return process
}

/** Starts the process of a definition for a parent on another node, to which it is linked. */
export function startFor(
  node: Node,
  parent: Pid | null,
  definition: Definition,
  argument: unknown,
  options: StartOptions,
  tell: (result: StartResult) => void,
): void {
  const outcome = new StartOutcome(null, null, tell as (result: unknown) => void, () => {})
  const process = launch(node, outcome, parent ?? undefined, definition, argument, options)
  if (process !== undefined && parent !== null) linkFar(process, parent)
}

/** Starts the process of a definition, linked to its parent if asked to; the outcome as OTP's start functions return it. */
export function startProcess(
  node: Node,
  parent: Process | null,
  definition: Definition,
  argument: unknown,
  options: StartOptions | undefined,
  linked: boolean,
): Promise<StartResult> {
  const result = newDeferred<StartResult>()
  const outcome = new StartOutcome(parent, null, resolverOfNewest(), rejecterOfNewest())
  start(node, outcome, definition, argument, options, linked)
  return result
}

/** The same; rejects with ExitError unless the process has started. */
export function startOrThrow(
  node: Node,
  parent: Process | null,
  definition: Definition,
  argument: unknown,
  options: StartOptions | undefined,
  linked: boolean,
): Promise<ProcessRef> {
  const started = newDeferred<ProcessRef>()
  const outcome = new StartOutcome(parent, definition.name, resolverOfNewest(), rejecterOfNewest())
  start(node, outcome, definition, argument, options, linked)
  return started
}

const NO_OPTIONS: StartOptions = {}

function start(
  node: Node,
  outcome: StartOutcome,
  definition: Definition,
  argument: unknown,
  options: StartOptions | undefined,
  linked: boolean,
): void {
  try {
    startAnywhere(node, outcome, definition, argument, options, linked)
  } catch (error) {
    outcome.refuse(error)
  }
}

function startAnywhere(
  node: Node,
  outcome: StartOutcome,
  definition: Definition,
  argument: unknown,
  options: StartOptions = NO_OPTIONS,
  linked: boolean,
): void {
  if (options.on !== undefined && options.on !== node.name) {
    return startFar(node, outcome, definition, argument, { ...options, on: options.on }, linked)
  }
  if (isElsewhere(definition)) {
    throw new OptionError('on', options.on, `another node: ${definition.name} is known by its module only`)
  }
  const parent = outcome.starter
  const process = launch(node, outcome, parent?.pid, definition, argument, options)
  if (process !== undefined && linked && parent !== null) link(parent, process)
}

function launch(
  node: Node,
  outcome: StartOutcome,
  parent: Pid | undefined,
  definition: Definition,
  argument: unknown,
  options: StartOptions,
): Process | undefined {
  const { timeoutMs = Number.POSITIVE_INFINITY } = options
  if (timeoutMs !== Number.POSITIVE_INFINITY) checkDelay(timeoutMs, 'timeoutMs')
  const taken = options.name === undefined ? undefined : node.whereis(options.name)
  if (taken !== undefined) {
    outcome.settle({ error: { already_started: taken } })
    return undefined
  }
  const process = node.create(parent, options)
  process.start = outcome
  process.behaviour = definition.create(process, selfOf(process), argument)
  if (timeoutMs !== Number.POSITIVE_INFINITY) {
    outcome.limit = node.after(timeoutMs, () => {
      process.started({ error: 'timeout' })
      process.end('killed')
    })
  }
  node.scheduler.enqueue(process)
  return process
}

/** Checks the bound of a mailbox before a process with it is made. */
export function checkMailbox(options: MailboxOptions): void {
  if (!Number.isInteger(options.capacity) || options.capacity < 1) {
    throw new OptionError('mailbox.capacity', options.capacity, 'an integer >= 1')
  }
}

function link(parent: Process, child: Process): void {
  parent.links.add(child.pid)
  child.links.add(parent.pid)
}

function linkFar({ node, pid, links }: Process, parent: Pid): void {
  links.add(parent)
  node.post(parent, { kind: 'link', to: parent, from: pid })
}
