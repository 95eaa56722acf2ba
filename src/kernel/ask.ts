// A call that is made and waited for: one object, one promise. What is wrong with it rejects the promise.

import type { Call } from './call.ts'
import { newDeferred, rejecterOfNewest, resolverOfNewest } from './deferred.ts'
import type { Node } from './node.ts'
import type { Pid } from './pid.ts'
import type { Process } from './process.ts'

/** Makes a call of the class `Kind` and answers what comes of it. */
export function ask<T>(
  node: Node,
  Kind: typeof Call,
  head: unknown,
  caller: Process | null,
  to: Pid,
  tag: string,
  argument: unknown,
  timeoutMs: number,
): Promise<T> {
  const answered = newDeferred<T>()
  const call = new Kind(tag, argument, caller, to, resolverOfNewest(), rejecterOfNewest())
  try {
    node.open(call, head, timeoutMs)
  } catch (error) {
    call.refuse(error)
  }
  return answered
}
