// The start of a process on another node: a call to that node's own service, which loads the definition, starts it there
// and links it to its parent by an ordinary link signal. That signal leaves before the answer does, so whoever starts
// with a link has it before it hears how the start went; and if either end is lost meanwhile, the link says so.

import { Call } from './call.ts'
import { OptionError } from './errors.ts'
import { ExitError, reasonOf } from './exit-reason.ts'
import type { Location } from './location.ts'
import { CALL } from './messages.ts'
import type { Node } from './node.ts'
import type { Pid } from './pid.ts'
import type { Definition } from './ref.ts'
import type { StartOptions, StartResult } from './self.ts'
import type { StartOutcome } from './start-outcome.ts'

/** The name under which each node answers for itself. */
export const NODE_SERVICE = '$node'

/** What the service of a node is asked to start. */
export interface StartRequest {
  readonly location: Location
  readonly argument: unknown
  readonly options: StartOptions
  /** To whom it is linked, and who is its parent. */
  readonly parent: Pid | null
}

/** @throws OptionError if the definition has no location. */
export function startFar(
  node: Node,
  outcome: StartOutcome,
  definition: Definition,
  argument: unknown,
  options: StartOptions & { readonly on: string },
  linked: boolean,
): void {
  const { starter } = outcome
  const { location } = definition
  const { on, ...there } = options
  if (location === undefined) {
    throw new OptionError('on', on, `the own node, for ${definition.name} has no module to be loaded from: see located`)
  }
  const parent = linked && starter !== null ? starter.pid : null
  const request: StartRequest = { location, argument, options: there, parent }
  const answered = (result: unknown) => outcome.settle(result as StartResult)
  const failed = (error: unknown) =>
    outcome.settle({ error: error instanceof ExitError ? error.reason : reasonOf(error) })
  const call = new Call('start', request, starter, node.at(on, NODE_SERVICE), answered, failed)
  try {
    node.open(call, CALL, Number.POSITIVE_INFINITY)
  } catch (error) {
    // What cannot cross to another node.
    failed(error)
  }
}
